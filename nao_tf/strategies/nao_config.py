"""How NAO searches: its settings, and the published ones by name. Importing them imports no TensorFlow.

Source: Luo et al., "Neural Architecture Optimization", NeurIPS 2018, and its PyTorch release.
"""

import dataclasses
from collections.abc import Mapping
from typing import ClassVar

from nao_tf import fields
from nao_tf.controller.config import PRESETS as CONTROLLERS
from nao_tf.controller.config import ControllerConfig, make_config

SCORE, IMPROVEMENT, UPPER_BOUND, LOWER_BOUND = "score", "improvement", "upper_bound", "lower_bound"
ASCENTS = (SCORE, IMPROVEMENT, UPPER_BOUND, LOWER_BOUND)
DECODED, MUTATED = "decoded", "mutated"
CANDIDATES = (DECODED, MUTATED)


@dataclasses.dataclass(frozen=True)
class NaoConfig:
  """How NAO searches.

  Attributes:
    controller: sizes and training of the controller.
    ensemble_size: controllers that are trained side by side and take turns in choosing.
    num_initial: random architectures before the first round; 600 in the paper.
    round_size: architectures that a round proposes at least, 200 in the paper; a round has as many as are asked for, if
      these are more. 0: a tenth of those scored so far, at least 10.
    num_seeds: best architectures that a round starts from, 200 in the paper, 100 in its releases; 0: a tenth of those
      scored so far, at least 20.
    step_sizes: lengths of the move along the gradient; 0 decodes without moving.
    unit_gradient: whether the gradient is of the logit and scaled to length 1, or of the score and as it is, as in the
      paper.
    ascent: what moves follow uphill: "score", what the predictor says; or what a Gaussian process over the embedding of
      each controller says, which knows how sure it is: "improvement", the expected one over the best; "upper_bound" or
      "lower_bound", one deviation above or below the mean.
    candidates: what the controllers choose from: "decoded", as in the paper; or "mutated", as many mutants of the same
      architectures, without the decoder and its moves.
    temperatures: at which the decoder is sampled at each point; 0 takes the likeliest tokens, as the paper does.
    ranked: whether the predictor ranks what was decoded; otherwise the first new ones are taken, as in the releases.
    oversampling: new candidates that a ranking should have to choose from, as a multiple of the round's size; while
      there are fewer, the decoder is sampled at higher temperatures.
    num_passes: times that candidates are decoded in a round, first around the best trials, then around what the
      predictor ranks highest among the candidates so far.
    num_neighbors: of a round's proposals, so many are neighbors of the best trial: those that the predictor ranks
      highest among the architectures that differ in one decision, an ordered one by one step.
    keep_weights: whether a round goes on from the weights of the last one. Otherwise its controllers start afresh, which
      costs more steps and forgets mistakes: a predictor that is wrong about a region is not wrong about it for ever.
    num_unlabeled: random architectures without a reward on which the decoder is trained too, where the controller's
      preset has room for them.
    refresh_growth: if weights are not kept for ever, the controllers start afresh when there are more rewards by this
      share than at their last start, and go on from their weights in the rounds between. 0: afresh in each round.
    gaussian_share: share of the proposals that a Gaussian process over the decisions chooses, by expected improvement
      among what was decoded, neighbors, mutants and random architectures. The controllers rank the others. 0: all.
    spread_initial: whether the random architectures at the beginning are spread over the space: each is that of several
      which is least like those before it.
    compares_graphs: whether the Gaussian process compares networks as graphs, too, where a network has several encodings,
      such as a cell whose nodes may come in another order. Otherwise it compares decisions alone.
  """

  controller: ControllerConfig = dataclasses.field(default_factory=ControllerConfig, metadata={"presets": CONTROLLERS})
  ensemble_size: int = 3
  num_initial: int = 10
  round_size: int = 1
  num_seeds: int = 0
  step_sizes: tuple[float, ...] = (0.0, 0.5, 1.0, 2.0)
  unit_gradient: bool = True
  ascent: str = SCORE
  candidates: str = DECODED
  temperatures: tuple[float, ...] = (0.5, 1.0, 1.5, 2.0)
  ranked: bool = True
  oversampling: float = 8.0
  num_passes: int = 1
  num_neighbors: int = 0
  keep_weights: bool = False
  num_unlabeled: int = 512
  refresh_growth: float = 0.3
  gaussian_share: float = 0.67
  spread_initial: bool = False
  compares_graphs: bool = True

  def __post_init__(self) -> None:
    fields.check_config(self)
    at_least_one, at_least_zero = (
      ("ensemble_size", "num_initial", "num_passes"),
      ("round_size", "num_seeds", "num_neighbors"),
    )
    for name in (*at_least_one, *at_least_zero):
      low = int(name in at_least_one)
      if getattr(self, name) < low:
        raise ValueError(f"{name} must be at least {low}, got {getattr(self, name)}")
    if not 0 <= self.gaussian_share <= 1:
      raise ValueError(f"gaussian_share must be in [0, 1], got {self.gaussian_share}")
    fields.one_of(self.ascent, "ascent", ASCENTS)
    fields.one_of(self.candidates, "candidates", CANDIDATES)
    if self.refresh_growth < 0:
      raise ValueError(f"refresh_growth must be at least 0, got {self.refresh_growth}")
    if self.gaussian_share and not self.ranked:
      raise ValueError("gaussian_share must be 0 if ranked is false: the first candidates are taken then")
    for name in ("step_sizes", "temperatures"):
      if not getattr(self, name) or min(getattr(self, name)) < 0:
        raise ValueError(f"{name} must be one or more numbers of at least 0, got {getattr(self, name)}")


_ROUNDS = NaoConfig(num_initial=20, round_size=0, num_passes=4, refresh_growth=0.0, gaussian_share=0.0)

PRESETS = {
  "default": NaoConfig(),
  "rounds": _ROUNDS,
  "paper": dataclasses.replace(
    _ROUNDS,
    controller=make_config("torch"),
    ensemble_size=1,
    num_initial=600,
    round_size=200,
    num_seeds=100,
    step_sizes=tuple(float(step) for step in range(1, 51)),
    unit_gradient=False,
    temperatures=(0.0,),
    ranked=False,
    keep_weights=True,
    num_unlabeled=0,
  ),
  "hyperparameters": dataclasses.replace(_ROUNDS, round_size=4, num_neighbors=1),
}
"""`default`, made for small budgets, with rounds as small as the workers allow; `rounds`, the default before it: rounds
of ten and more, in which the controllers choose alone; `paper`, the procedure of the paper and its PyTorch release; and
`hyperparameters`, for spaces of numbers that are close to one another and for a few dozen trials: small rounds, and a
neighbor in each."""


class NaoSettings:
  """Declares the settings of the strategy, as `nao_tf.strategies.base.Strategy` has them."""

  config_class: ClassVar[type[NaoConfig]] = NaoConfig
  presets: ClassVar[Mapping[str, NaoConfig]] = PRESETS
