"""Settings of the evaluator `inherited`. Does not import TensorFlow, so that flags can be made from them."""

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

from nao_tf import fields
from nao_tf.networks.buildable import sample_genotype
from nao_tf.spaces.base import SearchSpace
from nao_tf.spaces.layered_genotypes import LayeredGenotype


@dataclasses.dataclass(frozen=True)
class InheritedConfig:
  """Settings of training with inherited weights.

  Attributes:
    kept_networks: number of networks, those with the highest rewards, whose weights are kept. A child of any other
      network is trained from scratch.
    patience: number of consecutive evaluations without an improvement of the validation loss after which training
      stops; 0 to never stop early. Auto-Keras uses 5.
    min_improvement: minimum decrease of the validation loss that counts as an improvement.
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
  """Declares the settings of the evaluator, and which search spaces it supports; see `nao_tf.strategies.base.Strategy`."""

  config_class: ClassVar[type[InheritedConfig]] = InheritedConfig
  presets: ClassVar[Mapping[str, Any]] = {}

  @staticmethod
  def check_space(space: SearchSpace, setting: str = "inherited") -> None:
    """Checks that the networks of a search space can inherit weights.

    Args:
      space: the search space.
      setting: the setting that chose the evaluator, for the error message.

    Raises:
      ValueError: if its networks are not networks of plain layers.
    """
    genotype = sample_genotype(space)
    if not isinstance(genotype, LayeredGenotype):
      raise ValueError(
        f"{setting}: only networks of plain layers can inherit weights, as in the space autokeras; the space"
        f" {space.name} has a {type(genotype).__name__}"
      )
