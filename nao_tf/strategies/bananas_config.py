"""The settings of the strategy `bananas`. Imports no SciPy: flags are made from them."""

import dataclasses
from collections.abc import Mapping
from typing import ClassVar

from nao_tf import fields
from nao_tf.strategies.targets import RANKS, TARGETS


@dataclasses.dataclass(frozen=True)
class BananasConfig:
  """Sizes. Those of the search are the paper's.

  Attributes:
    num_initial: number of random architectures that a search starts with.
    round_size: architectures that are proposed before the predictors are trained again.
    ensemble_size: number of predictors.
    num_layers: hidden layers of each predictor.
    units: of each hidden layer.
    num_epochs: passes over all trials in which a predictor is trained.
    learning_rate: of Adam.
    num_paths: paths that are looked at, the shortest ones of each part of a network.
    num_parents: best architectures that are mutated.
    num_candidates: mutations that a round is chosen from.
    target: "ranks" predicts the normal scores of the rewards' ranks, "rewards" the rewards.
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
"""`paper` has the predictors of the paper, ten narrow layers. Two wide ones learn in less time."""


class BananasSettings:
  """Declares the settings of the strategy, as `nao_tf.strategies.base.Strategy` has them."""

  config_class: ClassVar[type[BananasConfig]] = BananasConfig
  presets: ClassVar[Mapping[str, BananasConfig]] = PRESETS
