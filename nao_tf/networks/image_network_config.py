"""The configuration of image networks, and the stack of cells that it defines. Does not import TensorFlow."""

import dataclasses
from collections.abc import Sequence
from typing import TypeVar

from nao_tf import fields
from nao_tf.networks.conventions import CONVENTIONS, Convention

NUM_STAGES = 3
MIN_IMAGENET_FILTERS = 4
AUXILIARY_STRIDES = {"cifar": 3, "imagenet": 2}
"""Stride of the pool of the auxiliary head, for each stem."""
AUXILIARY_WINDOW = 5
"""Height and width of that pool."""
AUXILIARY_FILTERS = (128, 768)
"""Filters of the two convolutions of the auxiliary head."""

_T = TypeVar("_T")


@dataclasses.dataclass(frozen=True)
class ImageNetworkConfig:
  """Size and regularization of an image network, independent of its genotype and task.

  The defaults are those of the paper's CIFAR-10 network "6 / 36". The small networks of its search have N = 3, F = 32
  and no dropout.

  Attributes:
    num_cells: N, number of normal cells in each of the three stages.
    filters: F, number of channels of a node in the first stage.
    convention: how the layers around and within the cells are arranged, a key of
      `nao_tf.networks.conventions.CONVENTIONS`.
    stem: "cifar", which keeps the resolution, or "imagenet", which divides it by eight.
    auxiliary: whether to train with an auxiliary classifier head.
    auxiliary_weight: weight of the loss of the auxiliary head.
    drop_path_keep: probability of keeping a path in the last cell, at the end of the drop-path schedule.
    drop_path_steps: number of training steps over which the drop-path rate increases linearly to its final value; 0 for
      a constant rate.
    dropout_keep: probability of keeping a unit in the dropout before the classifier.
    synchronized_norm: whether batch normalization synchronizes its statistics across replicas.
  """

  num_cells: int = 6
  filters: int = 36
  convention: str = "nao"
  stem: str = "cifar"
  auxiliary: bool = True
  auxiliary_weight: float = 0.4
  drop_path_keep: float = 0.7
  drop_path_steps: int = 0
  dropout_keep: float = 0.6
  synchronized_norm: bool = False

  def __post_init__(self) -> None:
    fields.check_config(self)
    for name, low in (("num_cells", 1), ("filters", 1), ("drop_path_steps", 0), ("auxiliary_weight", 0)):
      if getattr(self, name) < low:
        raise ValueError(f"{name} must be at least {low}, got {getattr(self, name)}")
    if self.stem == "imagenet" and self.filters < MIN_IMAGENET_FILTERS:
      raise ValueError(f"the imagenet stem needs at least {MIN_IMAGENET_FILTERS} filters, got {self.filters}")
    for name in ("drop_path_keep", "dropout_keep"):
      if not 0.0 < getattr(self, name) <= 1.0:
        raise ValueError(f"{name} must be in (0, 1], got {getattr(self, name)}")
    for name, table in (("convention", CONVENTIONS), ("stem", AUXILIARY_STRIDES)):
      if getattr(self, name) not in table:
        raise ValueError(f"{name} must be one of {', '.join(table)}, got {getattr(self, name)!r}")

  @property
  def facts(self) -> Convention:
    """The facts of the convention, with the `synchronized_norm` of this network."""
    return dataclasses.replace(CONVENTIONS[self.convention], synchronized_norm=self.synchronized_norm)


@dataclasses.dataclass(frozen=True)
class CellPlan:
  """The position of a cell in an image network.

  Attributes:
    index: index of the cell, from 0.
    filters: number of channels of every node.
    reduction: whether this is a reduction cell, which halves the resolution.
    raw_previous: whether the cell uses its input 0 without projection.
    inputs: indices of the two states that the cell reads. 0 and 1 are the outputs of the stem; 2 + i is the output of
      cell i.
  """

  index: int
  filters: int
  reduction: bool
  raw_previous: bool
  inputs: tuple[int, int]

  def inputs_among(self, states: Sequence[_T]) -> tuple[_T, _T]:
    """Returns the two inputs of the cell, given the states of the network so far, or one value per state."""
    first, second = self.inputs
    return states[first], states[second]


def plan_cells(config: ImageNetworkConfig) -> list[CellPlan]:
  """Returns the positions of all cells, those of the stem first."""
  rows = [(config.filters >> i, True) for i in range(_num_stem_cells(config), 0, -1)]
  rows += [(config.filters, False)] * config.num_cells
  for stage in range(1, NUM_STAGES):
    filters = config.filters << stage
    rows += [(filters, True)] + [(filters, False)] * _cells_after_reduction(config)
  raw_first = not config.facts.project_first_input
  return [
    CellPlan(i, filters, reduction, raw_first and i == 0, _cell_inputs(i, rows, config))
    for i, (filters, reduction) in enumerate(rows)
  ]


def auxiliary_cell(config: ImageNetworkConfig, num_cells: int) -> int:
  """Returns the index of the cell, out of `num_cells`, whose output feeds the auxiliary head."""
  last_reduction = num_cells - 1 - _cells_after_reduction(config)
  return min(last_reduction + config.facts.auxiliary_offset, num_cells - 1)


def _num_stem_cells(config: ImageNetworkConfig) -> int:
  return config.facts.stem_cells if config.stem == "imagenet" else 0


def _cells_after_reduction(config: ImageNetworkConfig) -> int:
  """Returns how many normal cells come after the reduction cell of a stage."""
  return config.num_cells - 1 if config.facts.reduction_in_stage else config.num_cells


def _cell_inputs(index: int, rows: Sequence[tuple[int, bool]], config: ImageNetworkConfig) -> tuple[int, int]:
  """Returns the states that a cell reads, given (filters, reduction) of all cells."""
  follows_reduction = index > _num_stem_cells(config) and rows[index - 1][1]
  return (index - 1 if follows_reduction and config.facts.skip_reduction else index), index + 1
