"""Settings of the strategy NAO and its published presets. Importing this module does not import TensorFlow.

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
  """Settings of Neural Architecture Optimization (NAO).

  Attributes:
    controller: sizes and training of the controller.
    ensemble_size: number of controllers in the ensemble; they are trained separately and take turns in choosing
      candidates.
    num_initial: number of random architectures before the first round; 600 in the paper.
    round_size: minimum number of architectures per round, 200 in the paper; a larger request makes a larger round. 0: a
      tenth of the architectures scored so far, at least 10.
    num_seeds: number of best architectures that a round starts from, 200 in the paper, 100 in its releases. 0: a tenth
      of those scored so far, at least 20.
    step_sizes: step sizes of the gradient ascent on the architecture embedding; 0 decodes the unchanged embedding.
    unit_gradient: whether to follow the gradient of the logit, normalized to length 1; otherwise the raw gradient of
      the score, as in the paper.
    ascent: objective of the gradient ascent: "score", the prediction of the predictor; or an acquisition function of a
      Gaussian process over the embeddings of each controller: "improvement", the expected improvement over the best;
      "upper_bound" or "lower_bound", one standard deviation above or below the mean.
    ascent_steps: number of steps that each step size is divided into. Each follows the gradient at the end of the
      previous one; 1 in the paper.
    trust_region: whether step sizes are multiplied by a radius that grows when steps lead to better architectures than
      they started from, and shrinks otherwise (`nao_tf.strategies.trust_region`).
    num_random_seeds: number of random architectures that a round starts from besides the best ones.
    candidates: how candidates are generated: "decoded" from moved embeddings, as in the paper; or "mutated", the same
      number of mutations of the same architectures, without the decoder and the gradient ascent.
    temperatures: sampling temperatures of the decoder at each point; 0 takes the most likely tokens, as in the paper.
    ranked: whether the predictor ranks the decoded candidates; otherwise the first new ones are taken, as in the
      releases.
    oversampling: number of new candidates to rank, as a multiple of the round size; while there are fewer, the decoder
      is sampled at higher temperatures.
    num_passes: number of decoding passes per round: the first around the best trials, later ones around the
      highest-ranked candidates so far.
    num_neighbors: number of proposals per round that are neighbors of the best trial: the highest-ranked of all
      architectures that differ from it in one decision, an ordered one by one step.
    keep_weights: whether each round continues training from the weights of the previous one. Otherwise controllers are
      retrained from scratch, which takes more steps but keeps wrong predictions from persisting.
    num_unlabeled: number of random architectures without a reward on which the decoder is trained as well, if
      `unlabeled_batch_size` of the controller is not 0.
    refresh_growth: without `keep_weights`, the relative growth of the number of rewards after which controllers are
      retrained from scratch; in the rounds in between they continue from their weights. 0: retrain in every round.
    gaussian_share: fraction of the proposals, in [0, 1], that a Gaussian process over the decisions chooses by expected
      improvement among decoded candidates, neighbors, mutations and random architectures. The controllers rank the
      rest. 0: all.
    spread_initial: whether the initial random architectures are spread over the space: each is the one of several
      samples that is least similar to those before it.
    compares_graphs: whether the Gaussian process also compares networks as graphs, in spaces where a network has
      several encodings, such as cells whose nodes can be reordered. Otherwise it compares decisions only.
    counts_parameters: whether the Gaussian process learns from the numbers of parameters, in spaces that know them
      (`SearchSpace.parameter_count`), as far as they improve its predictions. A warm start or proxies take their place.
  """

  controller: ControllerConfig = dataclasses.field(default_factory=ControllerConfig, metadata={"presets": CONTROLLERS})
  ensemble_size: int = 3
  num_initial: int = 10
  round_size: int = 1
  num_seeds: int = 0
  step_sizes: tuple[float, ...] = (0.0, 0.5, 1.0, 2.0)
  unit_gradient: bool = True
  ascent: str = SCORE
  ascent_steps: int = 1
  trust_region: bool = False
  num_random_seeds: int = 0
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
  counts_parameters: bool = True

  def __post_init__(self) -> None:
    fields.check_config(self)
    at_least_one, at_least_zero = (
      ("ensemble_size", "num_initial", "num_passes", "ascent_steps"),
      ("round_size", "num_seeds", "num_neighbors", "num_random_seeds"),
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
"""`default`: for small budgets, with rounds as small as the number of workers allows. `rounds`: the former default, with
rounds of at least ten proposals that the controllers choose alone. `paper`: the procedure of the paper and its PyTorch
release. `hyperparameters`: the former default of `NAOOracle`, with small rounds that the controllers choose alone and that
each include a neighbor of the best trial."""


class NaoSettings:
  """Declares the settings of the strategy; see `nao_tf.strategies.base.Strategy`."""

  config_class: ClassVar[type[NaoConfig]] = NaoConfig
  presets: ClassVar[Mapping[str, NaoConfig]] = PRESETS
