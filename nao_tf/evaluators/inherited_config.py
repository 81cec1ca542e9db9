"""The settings of the evaluator `inherited`. Imports no TensorFlow: flags are made from them."""

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from nao_tf import fields
from nao_tf.spaces.base import SearchSpace
from nao_tf.spaces.layered_genotypes import LayeredGenotype


@dataclasses.dataclass(frozen=True)
class InheritedConfig:
  """How weights are kept, and when a training stops.

  Attributes:
    kept_networks: of how many networks the weights are kept, those with the highest rewards. A child of any other one
      is trained from scratch.
    patience: a training stops after so many evaluations in a row without a lower validation loss; 0: it never does.
      Auto-Keras has 5.
    min_improvement: by how much a validation loss must be lower to count as that.
  """

  kept_networks: int = 50
  patience: int = 5
  min_improvement: float = 1e-4

  def __post_init__(self) -> None:
    fields.check_config(self)
    for name, least in (("kept_networks", 1), ("patience", 0), ("min_improvement", 0)):
      if getattr(self, name) < least:
        raise ValueError(f"{name} must be at least {least}, got {getattr(self, name)}")


class InheritedSettings:
  """Declares the settings of the evaluator, as `nao_tf.strategies.base.Strategy` has them, and the spaces that it is for."""

  config_class: ClassVar[type[InheritedConfig]] = InheritedConfig
  presets: ClassVar[Mapping[str, Any]] = {}

  @staticmethod
  def check_space(space: SearchSpace, setting: str = "inherited") -> None:
    """Checks that the networks of a space can inherit weights.

    Args:
      space: what is searched.
      setting: what chooses the evaluator, for the message.

    Raises:
      ValueError: if they are not networks of plain layers.
    """
    genotype = space.decode(space.sample(np.random.default_rng(0)))
    if not isinstance(genotype, LayeredGenotype):
      raise ValueError(
        f"{setting}: only networks of plain layers can inherit weights, as in the space autokeras; the space"
        f" {space.name} has a {type(genotype).__name__}"
      )
