"""The settings of the strategy `autokeras`. Imports no SciPy: flags are made from them."""

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

from nao_tf import fields


@dataclasses.dataclass(frozen=True)
class AutokerasConfig:
  """How proposals are found.

  Attributes:
    exploration: standard deviations that the upper confidence bound is above the mean.
    num_initial: how many networks are proposed before the process is fitted: the first one, and morphisms of it.
    num_candidates: candidates for each proposal; 0: as many as the strategy `bayesian` makes.
  """

  exploration: float = 2.576
  num_initial: int = 5
  num_candidates: int = 0

  def __post_init__(self) -> None:
    fields.check_config(self)
    fields.number(self.exploration, "exploration", 0)
    fields.integer(self.num_initial, "num_initial", 1)
    fields.integer(self.num_candidates, "num_candidates", 0)


class AutokerasSettings:
  """Declares the settings of the strategy, and what it is made for, as `nao_tf.strategies.base.Strategy` has them."""

  config_class: ClassVar[type[AutokerasConfig]] = AutokerasConfig
  presets: ClassVar[Mapping[str, Any]] = {}
  preferred_space: ClassVar[str | None] = "autokeras"
  preferred_evaluator: ClassVar[str | None] = "inherited"
