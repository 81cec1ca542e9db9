"""Size limits of the networks in a search. Architectures that exceed one are not proposed."""

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from nao_tf import fields
from nao_tf.networks.buildable import genotypes_for
from nao_tf.networks.descriptions import Description, describe
from nao_tf.networks.image_network_config import ImageNetworkConfig
from nao_tf.spaces.base import SearchSpace
from nao_tf.spaces.bounded import BoundedSpace
from nao_tf.trial import Architecture

_NUM_DRAWS = 1000
_FEWEST = 2
"""Of so many random architectures, fewer that fit are too few to search among."""

DescribeGenotype = Callable[[Any], Description]
"""Returns what the network of a genotype costs."""


@dataclasses.dataclass(frozen=True)
class CostBounds:
  """Size limits of a network.

  Attributes:
    max_parameters: maximum number of trainable parameters, without an auxiliary head; None for no limit.
    max_multiply_adds: maximum number of multiply-adds per image or token; None for no limit.
  """

  max_parameters: int | None = None
  max_multiply_adds: int | None = None

  def __post_init__(self) -> None:
    for field in dataclasses.fields(self):
      if getattr(self, field.name) is not None:
        fields.integer(getattr(self, field.name), field.name, 1)

  def allow(self, network: Description) -> bool:
    """Returns whether a network is within the limits."""
    return all(getattr(network, cost) <= bound for cost, bound in self._bounds().items())

  def excess(self, network: Description) -> float:
    """Returns the largest factor by which a network exceeds a limit; at most 1 if it is within the limits."""
    return max((getattr(network, cost) / bound for cost, bound in self._bounds().items()), default=0.0)

  def stated(self) -> str:
    """Returns the limits as text, such as "at most 100,000 parameters"."""
    return " and ".join(f"at most {bound:,} {_words(cost)}" for cost, bound in self._bounds().items())

  def costs(self, network: Description) -> str:
    """Returns the limited costs of a network as text, such as "123,456 parameters"."""
    return " and ".join(f"{getattr(network, cost):,} {_words(cost)}" for cost in self._bounds())

  def _bounds(self) -> dict[str, int]:
    """Returns the bounds that there are, by what they bound."""
    bounds = {"parameters": self.max_parameters, "multiply_adds": self.max_multiply_adds}
    return {cost: bound for cost, bound in bounds.items() if bound is not None}


def has_known_costs(genotype: Any, network_config: Any) -> bool:
  """Returns whether `describe` supports the networks built from a genotype with a configuration."""
  return isinstance(genotype, genotypes_for(network_config))


def genotype_describer(network_config: Any, input_shape: tuple[int, ...], num_outputs: int) -> DescribeGenotype:
  """Returns a function that computes the costs of the network of a genotype for a task.

  Args:
    network_config: configuration of the networks.
    input_shape: shape of one input of the task: (height, width, channels) of an image, () of a token.
    num_outputs: number of outputs of the task: classes, or size of the vocabulary.
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
  """Returns a space of which strategies only propose networks within size limits.

  Args:
    space: the search space.
    bounds: size limits of a network.
    described: function that computes the costs of a network; see `genotype_describer`.

  Raises:
    ValueError: if no architecture of the space is within the limits, or almost none of 1000 random ones. The message
      names the fraction that is, and the smallest network found.
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
