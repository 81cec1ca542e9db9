"""Settings of the strategy `bananas`. Does not import SciPy, so that flags can be made from them."""

import dataclasses
from collections.abc import Mapping
from typing import ClassVar

from nao_tf import fields
from nao_tf.strategies.targets import RANKS, TARGETS


@dataclasses.dataclass(frozen=True)
class BananasConfig:
  """Settings of BANANAS. Those of the search itself are the paper's.

  Attributes:
    num_initial: number of initial random architectures.
    round_size: number of architectures to propose before the predictors are retrained.
    ensemble_size: number of predictors in the ensemble.
    num_layers: number of hidden layers of each predictor.
    units: number of units in each hidden layer.
    num_epochs: number of training epochs of a predictor, over all trials.
    learning_rate: learning rate of Adam.
    num_paths: number of paths in the path encoding, the shortest ones of each part of a network.
    num_parents: number of best architectures to mutate.
    num_candidates: number of mutations that a round is chosen from.
    target: what is predicted: "ranks", the normal scores of the ranks of the rewards, or "rewards".
  """

  num_initial: int = 10
  round_size: int = 10
  ensemble_size: int = 5
  num_layers: int = 2
  units: int = 64
  num_epochs: int = 150
  learning_rate: float = 0.01
  num_paths: int = 40
  num_parents: int = 10
  num_candidates: int = 100
  target: str = RANKS

  def __post_init__(self) -> None:
    fields.check_config(self)
    for name, value in dataclasses.asdict(self).items():
      if isinstance(value, int):
        fields.integer(value, name, 1)
    if not self.learning_rate > 0:
      raise ValueError(f"learning_rate must be above 0, got {self.learning_rate}")
    fields.one_of(self.target, "target", TARGETS)


PRESETS = {"default": BananasConfig(), "paper": BananasConfig(num_layers=10, units=20)}
"""`paper` has the predictors of the paper, with ten narrow layers. The two wide layers of `default` train faster."""


class BananasSettings:
  """Declares the settings of the strategy; see `nao_tf.strategies.base.Strategy`."""

  config_class: ClassVar[type[BananasConfig]] = BananasConfig
  presets: ClassVar[Mapping[str, BananasConfig]] = PRESETS
