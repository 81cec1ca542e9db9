"""Computes the costs of image networks, part by part, from genotypes by arithmetic. Does not import TensorFlow.

See `nao_tf.networks.descriptions` for what is counted.
"""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

from nao_tf.networks.cell_costs import CellCost, CellDraft, cell_cost
from nao_tf.networks.conventions import Convention
from nao_tf.networks.edge_convention import check_edge_convention
from nao_tf.networks.edge_costs import edge_place_cost
from nao_tf.networks.image_network_config import (
  AUXILIARY_FILTERS,
  AUXILIARY_STRIDES,
  AUXILIARY_WINDOW,
  ImageNetworkConfig,
  auxiliary_cell,
  plan_cells,
)
from nao_tf.networks.layer_costs import Cost, Shape, conv_norm, dense, num_values
from nao_tf.networks.motif_costs import motif_cell_cost
from nao_tf.networks.operation_costs import operation_cost
from nao_tf.spaces.edge_genotypes import EdgeGenotype
from nao_tf.spaces.genotypes import CellGenotype
from nao_tf.spaces.motif_genotypes import MotifGenotype

AUXILIARY_HEAD = "auxiliary head"
CLASSIFIER = "classifier"

_WINDOW = (3, 3)
"""Size of the convolutions of stems."""


class PartCost(NamedTuple):
  """What a part of a network costs.

  Attributes:
    name: name of the part.
    shape: shape of its output.
    parameters: its trainable parameters.
    multiply_adds: those of one example at inference.
    values: the largest number of values in memory while the part is computed.
  """

  name: str
  shape: tuple[int, ...]
  parameters: int
  multiply_adds: int
  values: int


class ImageCosts:
  """Computes the costs of image networks with the same configuration. The costs of operations are cached."""

  def __init__(self, config: ImageNetworkConfig, image_shape: Shape, num_classes: int):
    """Computes the stem.

    Args:
      config: configuration of the networks.
      image_shape: (height, width, channels).
      num_classes: number of logits.

    Raises:
      ValueError: if the images are too small for the stem.
    """
    self._config, self._facts, self._num_classes = config, config.facts, num_classes
    self._plans = plan_cells(config)
    last_readers = {state: plan.index for plan in self._plans for state in plan.inputs}
    self._frees = [(last_readers[p.inputs[0]] == p.index, last_readers[p.inputs[1]] == p.index) for p in self._plans]
    self._operations: dict[tuple[str, Shape, int, int], Cost] = {}
    first, second = stem_costs(config.stem, image_shape, config.filters, self._facts)
    self._stem = _stem_part(image_shape, [*first, *second])
    self._stem_shapes = first[-1].shape, [*first, *second][-1].shape

  def parts(self, genotype: CellGenotype | MotifGenotype | EdgeGenotype) -> list[PartCost]:
    """Returns the costs of the stem, of each cell, of the classifier and of the auxiliary head, if there is one.

    Raises:
      ValueError: if the cost of an operation is not known, or the cells need another convention.
    """
    cells = self._places(genotype)
    names = [f"cell {plan.index}{' (reduction)' if plan.reduction else ''}" for plan in self._plans]
    parts = [PartCost(name, *cell) for name, cell in zip(names, cells)]
    heads = [self._classifier(cells[-1].shape)]
    if self._config.auxiliary:
      heads.append(self._auxiliary_head(cells[auxiliary_cell(self._config, len(cells))].shape))
    return [self._stem, *parts, *heads]

  def auxiliary_multiply_adds(self, parts: Sequence[PartCost]) -> int:
    """Returns the multiply-adds of the auxiliary head in training, for one example; 0 if there is none.

    Args:
      parts: parts of the network; see `parts`.
    """
    if not self._config.auxiliary:
      return 0
    _, *cells = parts[: 1 + len(self._plans)]
    height, width, channels = cells[auxiliary_cell(self._config, len(cells))].shape
    layers = self._auxiliary_layers((height, width, channels))
    return sum(cost.multiply_adds for cost in layers)

  def _places(self, genotype: CellGenotype | MotifGenotype | EdgeGenotype) -> list[CellCost]:
    """Returns the costs of what stands in each place of the stack."""
    if isinstance(genotype, MotifGenotype):
      return self._motif_cells(genotype)
    if isinstance(genotype, EdgeGenotype):
      return self._edge_cells(genotype)
    return self._cells(genotype)

  def _cells(self, genotype: CellGenotype) -> list[CellCost]:
    """Returns the costs of all cells. Cells of one kind on inputs of the same shapes are computed once."""
    drafts = {False: CellDraft(genotype.normal), True: CellDraft(genotype.reduction)}
    costs: list[CellCost] = []
    known: dict[tuple[int, bool, bool, tuple[bool, bool], tuple[Shape, Shape]], CellCost] = {}
    shapes = list(self._stem_shapes)
    for plan, frees in zip(self._plans, self._frees):
      inputs = plan.inputs_among(shapes)
      key = (plan.filters, plan.reduction, plan.index == 0, frees, inputs)
      if key not in known:
        draft = drafts[plan.reduction]
        known[key] = cell_cost(draft, plan, self._facts, inputs, self._operation, frees=frees)
      costs.append(known[key])
      shapes.append(known[key].shape)
    return costs

  def _motif_cells(self, genotype: MotifGenotype) -> list[CellCost]:
    """Returns the costs of all cells of motifs."""
    costs: list[CellCost] = []
    shapes = list(self._stem_shapes)
    for plan in self._plans:
      costs.append(motif_cell_cost(genotype, plan, plan.inputs_among(shapes)))
      shapes.append(costs[-1].shape)
    return costs

  def _edge_cells(self, genotype: EdgeGenotype) -> list[CellCost]:
    """Returns the costs of all cells of edges, and of the residual blocks between their stages."""
    check_edge_convention(self._config.convention, self._config.stem)
    costs: list[CellCost] = []
    shape = self._stem_shapes[1]
    for plan in self._plans:
      is_last = plan.index == self._plans[-1].index
      costs.append(edge_place_cost(genotype, plan, shape, self._operation, is_last=is_last))
      shape = costs[-1].shape
    return costs

  def _operation(self, name: str, shape: Shape, filters: int, stride: int) -> Cost:
    key = (name, shape, filters, stride)
    if key not in self._operations:
      self._operations[key] = operation_cost(name, shape, filters, stride, self._facts)
    return self._operations[key]

  def _classifier(self, features: Shape) -> PartCost:
    channels = features[-1]
    cost = dense(channels, self._num_classes, bias=self._facts.classifier_bias)
    values = channels + max(num_values(features), self._num_classes)
    return PartCost(CLASSIFIER, (self._num_classes,), cost.parameters, cost.multiply_adds, values)

  def _auxiliary_head(self, features: Shape) -> PartCost:
    """Returns the parameters of the auxiliary head; at inference it is not computed."""
    layers = self._auxiliary_layers(features)
    return PartCost(AUXILIARY_HEAD, (self._num_classes,), sum(cost.parameters for cost in layers), 0, 0)

  def _auxiliary_layers(self, features: Shape) -> list[Cost]:
    return auxiliary_costs(features, AUXILIARY_STRIDES[self._config.stem], self._num_classes, self._facts)


def stem_costs(
  stem: str, image_shape: Shape, filters: int, convention: Convention
) -> tuple[Sequence[Cost], Sequence[Cost]]:
  """Returns what the layers of a stem cost, those before its first output and those after it; see `networks.stems`.

  Raises:
    ValueError: if the stem has no costs, or the images are too small for it.
  """
  if stem not in STEM_COSTS:
    raise ValueError(f"stem {stem!r}: its cost is not known; known are those of {', '.join(STEM_COSTS)}")
  return STEM_COSTS[stem](image_shape, filters, convention)


def auxiliary_costs(features: Shape, stride: int, num_classes: int, convention: Convention) -> list[Cost]:
  """Returns what the layers of the auxiliary head cost; see `nao_tf.networks.heads.AuxiliaryHead`."""
  height, width = ((n - min(AUXILIARY_WINDOW, n)) // stride + 1 for n in features[:2])
  few, many = AUXILIARY_FILTERS
  pointwise = conv_norm((height, width, features[-1]), few)
  whole = conv_norm(pointwise.shape, many, size=(height, width), valid=True)
  return [pointwise, whole, dense(many, num_classes, bias=convention.classifier_bias)]


def _cifar_stem(image_shape: Shape, filters: int, convention: Convention) -> tuple[Sequence[Cost], Sequence[Cost]]:
  return [conv_norm(image_shape, convention.stem_multiplier * filters, size=_WINDOW)], []


def _imagenet_stem(image_shape: Shape, filters: int, convention: Convention) -> tuple[Sequence[Cost], Sequence[Cost]]:
  if convention.stem_cells:
    return [conv_norm(image_shape, convention.stem_filters, (2, 2), _WINDOW, valid=True)], []
  halved = conv_norm(image_shape, filters // 2, (2, 2), _WINDOW)
  quartered = conv_norm(halved.shape, filters, (2, 2), _WINDOW)
  return [halved, quartered], [conv_norm(quartered.shape, filters, (2, 2), _WINDOW)]


STEM_COSTS = {"cifar": _cifar_stem, "imagenet": _imagenet_stem}
"""What stems cost: a row for each row of `nao_tf.networks.stems.STEMS`."""


def _stem_part(image_shape: Shape, layers: Sequence[Cost]) -> PartCost:
  maps = [num_values(image_shape), *(cost.written for cost in layers)]
  return PartCost(
    "stem",
    layers[-1].shape,
    sum(cost.parameters for cost in layers),
    sum(cost.multiply_adds for cost in layers),
    max(read + written for read, written in itertools.pairwise(maps)),
  )
