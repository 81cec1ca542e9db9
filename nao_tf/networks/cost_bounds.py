"""Bounds on what the networks of a search cost. An architecture that exceeds one is not proposed at all."""

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from nao_tf import fields
from nao_tf.networks.descriptions import Description, describe
from nao_tf.networks.image_network_config import ImageNetworkConfig
from nao_tf.networks.language_model_config import LanguageModelConfig
from nao_tf.spaces.base import SearchSpace
from nao_tf.spaces.bounded import BoundedSpace
from nao_tf.spaces.genotypes import IMAGE_GENOTYPES, LstmGenotype, RecurrentGenotype
from nao_tf.trial import Architecture

_NUM_DRAWS = 1000
_FEWEST = 2
"""Of so many random architectures, fewer that fit are too few to search among."""

DescribeGenotype = Callable[[Any], Description]
"""Returns what the network of a genotype costs."""


@dataclasses.dataclass(frozen=True)
class CostBounds:
  """What a network may cost at most.

  Attributes:
    max_parameters: trainable parameters, without those of an auxiliary head; None for no bound.
    max_multiply_adds: multiply-adds for one image or one token; None for no bound.
  """

  max_parameters: int | None = None
  max_multiply_adds: int | None = None

  def __post_init__(self) -> None:
    for field in dataclasses.fields(self):
      if getattr(self, field.name) is not None:
        fields.integer(getattr(self, field.name), field.name, 1)

  def allow(self, network: Description) -> bool:
    """Returns whether a network exceeds no bound."""
    return all(getattr(network, cost) <= bound for cost, bound in self._bounds().items())

  def excess(self, network: Description) -> float:
    """Returns by which factor a network exceeds the bounds, the largest if it exceeds both; at most 1 if it fits."""
    return max((getattr(network, cost) / bound for cost, bound in self._bounds().items()), default=0.0)

  def stated(self) -> str:
    """Returns the bounds in words, "at most 100,000 parameters"."""
    return " and ".join(f"at most {bound:,} {_words(cost)}" for cost, bound in self._bounds().items())

  def costs(self, network: Description) -> str:
    """Returns in words what a network costs of what is bounded, "123,456 parameters"."""
    return " and ".join(f"{getattr(network, cost):,} {_words(cost)}" for cost in self._bounds())

  def _bounds(self) -> dict[str, int]:
    """Returns the bounds that there are, by what they bound."""
    bounds = {"parameters": self.max_parameters, "multiply_adds": self.max_multiply_adds}
    return {cost: bound for cost, bound in bounds.items() if bound is not None}


def has_known_costs(genotype: Any, network_config: Any) -> bool:
  """Returns whether `describe` knows the networks that are built from a genotype with a configuration."""
  if isinstance(network_config, ImageNetworkConfig):
    return isinstance(genotype, IMAGE_GENOTYPES)
  return isinstance(network_config, LanguageModelConfig) and isinstance(genotype, (RecurrentGenotype, LstmGenotype))


def genotype_describer(network_config: Any, input_shape: tuple[int, ...], num_outputs: int) -> DescribeGenotype:
  """Returns a function that says what the network of a genotype costs for a task.

  Args:
    network_config: the configuration of the networks.
    input_shape: input shape of one input of the task: (height, width, channels) of an image, () of a token.
    num_outputs: number of outputs of the task: classes, or words of the vocabulary.
  """

  def described(genotype: Any) -> Description:
    if isinstance(network_config, ImageNetworkConfig):
      return describe(genotype, network_config, input_shape=input_shape, num_classes=num_outputs)
    return describe(genotype, network_config, vocabulary_size=num_outputs)

  return described


def known_multiply_adds(
  genotype: Any, network_config: Any, input_shape: tuple[int, ...], num_outputs: int
) -> int | None:
  """Returns the multiply-adds of one example at inference; None if they are not known for such networks.

  Args:
    genotype: genotype of the network.
    network_config: the configuration of the network.
    input_shape: see `genotype_describer`.
    num_outputs: see `genotype_describer`.
  """
  if not has_known_costs(genotype, network_config):
    return None
  try:
    return genotype_describer(network_config, input_shape, num_outputs)(genotype).multiply_adds
  except ValueError:  # The cost of an operation is not known.
    return None


def bounded_space(space: SearchSpace, bounds: CostBounds, described: DescribeGenotype) -> BoundedSpace:
  """Returns a space whose strategies propose only networks within bounds.

  Args:
    space: the space to bound.
    bounds: what a network may cost at most.
    described: what the network of a genotype costs; see `genotype_describer`.

  Raises:
    ValueError: if no architecture of the space is within the bounds, or hardly any of 1000 random ones. The message
      names the share that is, and the smallest network seen.
  """

  def cost(architecture: Architecture) -> Description:
    return described(space.decode(architecture))

  listed = space.size <= _NUM_DRAWS
  _check_share(space.name, bounds, map(cost, space.enumerate() if listed else _draws(space)), listed=listed)
  return BoundedSpace(space, lambda architecture: bounds.allow(cost(architecture)))


def _draws(space: SearchSpace) -> Iterable[Architecture]:
  rng = np.random.default_rng(0)
  return (space.sample(rng) for _ in range(_NUM_DRAWS))


def _check_share(name: str, bounds: CostBounds, networks: Iterable[Description], *, listed: bool) -> None:
  """Checks that enough networks are within bounds.

  Raises:
    ValueError: if there are too few.
  """
  seen = list(networks)
  count = sum(map(bounds.allow, seen))
  if count >= (1 if listed else _FEWEST):
    return
  smallest = min(seen, key=bounds.excess)
  raise ValueError(
    f"{name}: {count} of {len(seen)} {'' if listed else 'random '}architectures have {bounds.stated()}; the smallest has"
    f" {bounds.costs(smallest)}; allow more, or make the networks smaller"
  )


def _words(cost: str) -> str:
  return cost.replace("_", "-")
