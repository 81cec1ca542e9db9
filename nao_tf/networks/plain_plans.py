"""Networks of plain layers, of whatever genotype, before they are built: a row for each kind. Does not import TensorFlow."""

from collections.abc import Callable, Mapping
from typing import Any

from nao_tf.networks.connected_plan import connected_layers
from nao_tf.networks.image_costs import PartCost
from nao_tf.networks.layered_plan import PlannedLayer, plan_costs, planned_layers
from nao_tf.spaces.connected_genotypes import ConnectedGenotype
from nao_tf.spaces.layered_genotypes import LayeredGenotype

PlainGenotype = LayeredGenotype | ConnectedGenotype

_PLANS: Mapping[type, Callable[[Any, int, tuple[int, int, int], int], list[PlannedLayer]]] = {
  LayeredGenotype: planned_layers,
  ConnectedGenotype: connected_layers,
}


def plan_of(
  genotype: PlainGenotype, filters: int, image_shape: tuple[int, int, int], num_classes: int
) -> list[PlannedLayer]:
  """Returns the layers of a network in the order of computation, without the input.

  Args:
    genotype: genotype of the network.
    filters: filters of its configuration.
    image_shape: (height, width, channels).
    num_classes: number of logits.
  """
  return _PLANS[type(genotype)](genotype, filters, image_shape, num_classes)


def plain_costs(
  genotype: PlainGenotype, filters: int, image_shape: tuple[int, int, int], num_classes: int
) -> list[PartCost]:
  """Returns what each layer of a network costs, with its norm and what it reads; see `plan_of`."""
  return plan_costs(plan_of(genotype, filters, image_shape, num_classes), image_shape)
