"""Which genotypes networks are built from, by the configuration of the networks. Does not import TensorFlow."""

from typing import Any

import numpy as np

from nao_tf.networks.image_network_config import ImageNetworkConfig
from nao_tf.networks.language_model_config import LanguageModelConfig
from nao_tf.spaces.base import SearchSpace
from nao_tf.spaces.genotypes import IMAGE_GENOTYPES, LstmGenotype, RecurrentGenotype


def genotypes_for(network_config: Any) -> tuple[type, ...]:
  """Returns the types of genotypes that networks with a configuration are built from; none for an unknown configuration."""
  if isinstance(network_config, ImageNetworkConfig):
    return IMAGE_GENOTYPES
  return (RecurrentGenotype, LstmGenotype) if isinstance(network_config, LanguageModelConfig) else ()


def sample_genotype(space: SearchSpace) -> Any:
  """Returns what some architecture of a space is decoded into; the others are decoded into the same type."""
  return space.decode(space.sample(np.random.default_rng(0)))


def is_buildable(space: SearchSpace, network_config: Any) -> bool:
  """Returns whether the architectures of a space are networks that can be built with a configuration."""
  return isinstance(sample_genotype(space), genotypes_for(network_config))


def check_buildable(space: SearchSpace, network_config: Any, *, name: str) -> None:
  """Checks that the architectures of a space are networks that can be built with a configuration.

  Args:
    space: the search space.
    network_config: configuration of the networks.
    name: what the user calls the space.

  Raises:
    ValueError: if they are not; the message says what was expected, and what they are.
  """
  if not is_buildable(space, network_config):
    expected = " or ".join(f"a {kind.__name__}" for kind in genotypes_for(network_config)) or "another configuration"
    raise ValueError(
      f"the architectures of {name} are not networks that this package can build for the task: expected {expected}, got"
      f" a {type(sample_genotype(space)).__name__}"
    )
