"""A cell whose paths are architectures: tensors decide what it reads, does and gives.

It computes what `nao_tf.networks.cell.Cell` computes for the genotype of the same architecture: the same calibration of
its inputs, strides, and concatenation of loose ends, and nothing else.
"""

import dataclasses
import functools
import itertools
from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from tensorflow import keras

from nao_tf.networks.cell import calibration_layers, tail_layers
from nao_tf.networks.conventions import derive_seeds
from nao_tf.networks.image_network import CellPlan
from nao_tf.networks.layers import ImageShape, strided_shape
from nao_tf.spaces.genotypes import NUM_CELL_INPUTS
from nao_tf.supernets.blueprint import Blueprint, Feature, Unit, UnitWeights
from nao_tf.supernets.cell_choices import CellChoices, is_present
from nao_tf.supernets.shared_operations import OperationLibrary, StateKind
from nao_tf.supernets.state_list import StateList
from nao_tf.supernets.weight_bank import Candidate, ChoiceBlock

NORMAL, REDUCTION = 0, 1


@dataclasses.dataclass(frozen=True)
class Calibration:
  """The layers between an input of a cell and its nodes.

  Attributes:
    units: the layers, one after another.
    unless: numbers of parts of the input with which the first of them is left out.
  """

  units: tuple[Unit, ...]
  unless: frozenset[int]


@dataclasses.dataclass(frozen=True)
class StateKinds:
  """The states of a cell, sorted by kind.

  Attributes:
    kinds: all kinds that there are.
    kind_of: the number of the kind of each state, int32 `[states]`.
    place_of: the place of each state among those of its kind, int32 `[states]`.
  """

  kinds: tuple[StateKind, ...]
  kind_of: np.ndarray
  place_of: np.ndarray

  @classmethod
  def of(cls, states: Sequence[StateKind]) -> "StateKinds":
    """Sorts states, given the kind of each."""
    kinds = tuple(dict.fromkeys(states))
    places = [states[:i].count(kind) for i, kind in enumerate(states)]
    return cls(kinds, np.asarray([kinds.index(kind) for kind in states], np.int32), np.asarray(places, np.int32))


@dataclasses.dataclass(frozen=True)
class CellCall:
  """What a call of a cell depends on, apart from its inputs.

  Attributes:
    choices: choices of the architecture.
    weights: weights of the architecture. The statistics in them change.
    masks: the factors of drop-path [num_branches, B, 1, 1, 1], or None.
    training: whether batch normalization takes the statistics of the batch.
  """

  choices: CellChoices
  weights: UnitWeights
  masks: tf.Tensor | None
  training: bool


class SharedCell:
  """The normal or the reduction cell of all architectures, at one place of the stack.

  Attributes:
    cell: 0 for the normal cell, 1 for the reduction cell.
    inputs: the features that it reads.
    output: the feature that it gives.
  """

  def __init__(
    self, plan: CellPlan, inputs: tuple[Feature, Feature], blueprint: Blueprint, library: OperationLibrary, seed: int
  ) -> None:
    """Adds the units of the cell to those of the network.

    Args:
      plan: its place in the stack.
      inputs: the features that it reads.
      blueprint: collects the units.
      library: the operations of the network.
      seed: random seed of the weights.
    """
    self.cell, self.inputs = REDUCTION if plan.reduction else NORMAL, inputs
    self._plan, self._selectors, self._library = plan, blueprint.selectors, library
    calibration_seed, branch_seed, tail_seed = derive_seeds(seed, 3)
    self._calibrations = [self._add_calibration(blueprint, i, calibration_seed) for i in range(NUM_CELL_INPUTS)]
    self._shapes = self._state_shapes()
    _, height, width, _ = self._shapes[-1]
    self.output = Feature(height, width, plan.filters, self.cell)
    self._states = StateKinds.of([StateKind(shape, self._stride(i)) for i, shape in enumerate(self._shapes)])
    self._operations = library.operations(plan.filters, self._states.kinds)
    self._branches = [
      blueprint.add([self._branch_block(branch, key)])
      for branch, key in enumerate(derive_seeds(branch_seed, self.num_branches))
    ]
    self._tails = [self._add_tail(blueprint, i, key) for i, key in enumerate(derive_seeds(tail_seed, NUM_CELL_INPUTS))]

  @property
  def num_branches(self) -> int:
    """Branches of the cell."""
    return self._selectors.num_branches

  def call(self, inputs: Sequence[tf.Tensor], call: CellCall) -> tf.Tensor:
    """Computes the cell.

    Args:
      inputs: the outputs of cell k-2 [B, H0, W0, C0] and cell k-1 [B, H, W, C1].
      call: what else it depends on.

    Returns:
      [B, H / stride, W / stride, num_loose_ends * filters].
    """
    states = [self._calibrate(i, x, call) for i, x in enumerate(inputs)]
    lists = [StateList(kind.shape, states[0].dtype) for kind in self._states.kinds]
    for state, kind in zip(states, self._states.kind_of):
      lists[kind].append(state)
    for node in range(self._selectors.num_nodes):
      left, right = (self._branch(branch, lists, call) for branch in (2 * node, 2 * node + 1))
      states.append(left + right)
      lists[self._states.kind_of[NUM_CELL_INPUTS + node]].append(states[-1])
    return tf.concat([self._loose_end(i, x, call) for i, x in enumerate(states)], -1)

  def _calibrate(self, index: int, state: tf.Tensor, call: CellCall) -> tf.Tensor:
    units, unless = self._calibrations[index].units, self._calibrations[index].unless
    cell = self.inputs[index].cell
    if units and unless and cell is not None:
      condition = is_present(call.choices, cell, unless)
      unchanged = functools.partial(tf.ensure_shape, state, self._shapes[index])
      state = call.weights.call_if(condition, units[0], unchanged, state, training=call.training)
      units = units[1:]
    for unit in units:
      state = call.weights.call(unit, state, training=call.training)
    return tf.ensure_shape(state, self._shapes[index])

  def _branch(self, branch: int, lists: Sequence[StateList], call: CellCall) -> tf.Tensor:
    number, weights = self._branches[branch], call.weights
    source = call.choices.sources[self.cell, branch]
    place = tf.gather(self._states.place_of, source)
    outputs, weights.statistics[number] = self._operations(
      tf.gather(self._states.kind_of, source),
      call.choices.operations[self.cell, branch],
      [states.read(place) for states in lists if len(states)],
      weights.weights[number],
      weights.statistics[number],
      None if call.masks is None else call.masks[branch],
      training=call.training,
    )
    return tf.ensure_shape(outputs, self._shapes[-1])

  def _loose_end(self, index: int, state: tf.Tensor, call: CellCall) -> tf.Tensor:
    """Returns what a state contributes to the output: all its channels, or none."""
    loose = call.choices.loose[self.cell, index]
    for unit in self._tails[index] if index < NUM_CELL_INPUTS else ():
      _, height, width, channels = self._shapes[-1]
      zeros = functools.partial(tf.zeros, [tf.shape(state)[0], height, width, channels], state.dtype)
      state = call.weights.call_if(loose > 0, unit, zeros, state, training=call.training)
    return state[..., : loose * self._plan.filters]

  def _add_calibration(self, blueprint: Blueprint, index: int, seed: int) -> Calibration:
    """Adds the layers of an input: those of the most that it may go through, the first of which may be left out."""
    feature = self.inputs[index]
    counts = range(1, 2) if feature.cell is None else self._selectors.part_counts
    layers = {count: self._calibration_layers(count, seed)[index] for count in counts}
    longest = max(layers.values(), key=len)
    unless = frozenset(count for count in counts if len(layers[count]) < len(longest))
    units = [blueprint.add_reader(layer, feature, unless) for layer in longest[:1]]
    shape = None, self.inputs[1].height, self.inputs[1].width, self._plan.filters
    units += [blueprint.add_layer(layer, shape) for layer in longest[1:]]
    return Calibration(tuple(units), unless)

  def _calibration_layers(self, num_parts: int, seed: int) -> tuple[list[keras.layers.Layer], list[keras.layers.Layer]]:
    """Returns the layers of both inputs if these have so many parts."""
    previous, current = (feature.shape(1 if feature.cell is None else num_parts) for feature in self.inputs)
    plan, convention = self._plan, self._library.convention
    return calibration_layers(previous, current, plan.filters, convention, seed, raw_previous=plan.raw_previous)

  def _state_shapes(self) -> list[ImageShape]:
    """Returns the shapes of all states."""
    height, width = self.inputs[1].height, self.inputs[1].width
    shapes: list[ImageShape] = [
      (None, height, width, self._plan.filters if calibration.units else self._input_channels(feature))
      for calibration, feature in zip(self._calibrations, self.inputs)
    ]
    strides = self._stride(0), self._stride(0)
    return shapes + [strided_shape(shapes[1], strides, self._plan.filters)] * self._selectors.num_nodes

  def _input_channels(self, feature: Feature) -> int:
    """Returns the channels of an input that no layer changes: it then has as many parts in all architectures."""
    return feature.channels * (1 if feature.cell is None else self._selectors.part_counts[0])

  def _stride(self, state: int) -> int:
    return 2 if self.cell == REDUCTION and state < NUM_CELL_INPUTS else 1

  def _branch_block(self, branch: int, seed: int) -> ChoiceBlock:
    """Returns the candidates of a branch: by the state it reads, by its operation."""
    num_operations = len(self._library.names)
    pairs = list(itertools.product(range(len(self._states.kinds)), range(num_operations)))
    initial = {
      (kind, operation): self._operations.initial_weights(kind, operation, key)
      for (kind, operation), key in zip(pairs, derive_seeds(seed, len(pairs)))
    }
    candidates = [
      self._candidate(branch, source, operation, initial[self._states.kind_of[source], operation])
      for source in range(NUM_CELL_INPUTS + branch // 2)
      for operation in range(num_operations)
    ]
    return ChoiceBlock(self._selectors.branch(self.cell, branch), candidates)

  def _candidate(self, branch: int, source: int, operation: int, initial: np.ndarray) -> Candidate:
    """Returns the weights of an operation on a state: its own, or those of the operation on all states of its kind."""
    kind = int(self._states.kind_of[source])
    shared_by = source if self._library.weights_per_input else kind
    num_statistics = self._operations.functions[kind][operation].num_statistics
    return Candidate(initial, num_statistics, key=(self._plan.index, branch, shared_by, operation))

  def _add_tail(self, blueprint: Blueprint, state: int, seed: int) -> list[Unit]:
    """Adds the layers between an input that is a loose end and the concatenation."""
    shape, stride = self._shapes[state], self._stride(state)
    layers = tail_layers(shape, self._plan.filters, stride, self._library.convention, seed)
    selector = self._selectors.loose(self.cell, state)
    return [blueprint.add_layer(layer, shape, selector=selector) for layer in layers]
