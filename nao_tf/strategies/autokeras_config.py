"""Settings of the strategy `autokeras`. Does not import SciPy, so that flags can be made from them."""

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

from nao_tf import fields


@dataclasses.dataclass(frozen=True)
class AutokerasConfig:
  """Settings of the search of Auto-Keras.

  Attributes:
    exploration: number of standard deviations by which the upper confidence bound exceeds the mean.
    num_initial: number of networks proposed before the Gaussian process is fitted: the initial network and morphisms of
      it.
    num_candidates: number of candidates per proposal; 0: as many as the strategy `bayesian` uses.
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
  """Declares the settings, preferred space and preferred evaluator; see `nao_tf.strategies.base.Strategy`."""

  config_class: ClassVar[type[AutokerasConfig]] = AutokerasConfig
  presets: ClassVar[Mapping[str, Any]] = {}
  preferred_space: ClassVar[str | None] = "autokeras"
  preferred_evaluator: ClassVar[str | None] = "inherited"
