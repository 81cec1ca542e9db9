"""A cell of which every architecture is a path: what it reads, does and gives is decided by tensors.

It computes what `nao_tf.networks.cell.Cell` does for the genotype of the same architecture: the same calibration of its
inputs, strides, and concatenation of loose ends, and nothing else.
"""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from nao_tf.networks.cell import calibration_layers, tail_layers
from nao_tf.networks.conventions import Convention, derive_seeds
from nao_tf.networks.layers import strided_shape
from nao_tf.spaces.genotypes import NUM_CELL_INPUTS
from nao_tf.supernets.blueprint import Blueprint, Feature, Unit, Weights
from nao_tf.supernets.cell_choices import CellChoices, is_present
from nao_tf.supernets.shared_operations import SharedOperations
from nao_tf.supernets.state_list import StateList
from nao_tf.supernets.weight_bank import Candidate, ChoiceBlock

NORMAL, REDUCTION = 0, 1


class Calibration(NamedTuple):
  """What an input of a cell goes through.

  Attributes:
    units: layers, one after the other.
    unless: numbers of parts of the input with which the first of them is left out.
  """

  units: tuple[Unit, ...]
  unless: frozenset[int]


class SharedCell:
  """A normal or a reduction cell of all architectures.

  Attributes:
    cell: whether it is the normal one (0) or the reduction one (1).
    inputs: the features that it reads.
    output: the feature that it gives.
  """

  def __init__(
    self,
    cell: int,
    filters: int,
    inputs: tuple[Feature, Feature],
    names: Sequence[str],
    blueprint: Blueprint,
    convention: Convention,
    seed: int,
    *,
    raw_previous: bool,
    weights_per_input: bool,
    library: dict,
  ):
    """Args:
    cell: 0 for the normal one, 1 for the reduction one.
    filters: channels of every node.
    inputs: what it reads.
    names: of the operations.
    blueprint: where its units are added.
    convention: how it is calibrated and what its operations are like.
    seed: of its weights.
    raw_previous: leave input 0 as it is.
    weights_per_input: whether an operation has weights of its own for every state that it may read.
    library: the functions of operations by what they read, which the cells of a network share.
    """
    self.cell, self.inputs, self._filters, self._convention = cell, inputs, filters, convention
    self._selectors, self._raw_previous, self._per_input = blueprint.selectors, raw_previous, weights_per_input
    calibration_seed, branch_seed, tail_seed = derive_seeds(seed, 3)
    self._calibrations = self._add_calibrations(blueprint, calibration_seed)
    self._shapes = self._state_shapes()
    _, height, width, _ = self._shapes[-1]
    self.output = Feature(height, width, filters, cell)
    self._kinds, self._kind_of_state, self._place_of_state = self._sort_states()
    self._operations = _shared_operations(library, names, filters, self._kinds, convention)
    self._branches = [
      blueprint.add([self._branch_block(branch, key)])
      for branch, key in enumerate(derive_seeds(branch_seed, self._selectors.num_branches))
    ]
    self._tails = {i: unit for i in range(NUM_CELL_INPUTS) for unit in self._add_tail(blueprint, i, tail_seed)}

  @property
  def num_branches(self) -> int:
    """Branches of the cell."""
    return self._selectors.num_branches

  def call(self, inputs, choices: CellChoices, weights: Weights, masks=None, *, training: bool) -> tf.Tensor:
    """Computes the cell.

    Args:
      inputs: the outputs of cell k-2 [B, H0, W0, C0] and cell k-1 [B, H, W, C1].
      choices: of the architecture.
      weights: of the architecture.
      masks: drop-path's factors [num_branches, B, 1, 1, 1], or None.
      training: whether batch norm takes the batch's statistics.

    Returns:
      [B, H / stride, W / stride, num_loose_ends * filters].
    """
    states = [self._calibrate(i, x, choices, weights, training) for i, x in enumerate(inputs)]
    lists = [StateList(shape, states[0].dtype) for shape, _ in self._kinds]
    for state, kind in zip(states, self._kind_of_state):
      lists[kind].append(state)
    for node in range(self._selectors.num_nodes):
      left, right = (self._branch(b, lists, choices, weights, masks, training) for b in (2 * node, 2 * node + 1))
      states.append(left + right)
      lists[self._kind_of_state[NUM_CELL_INPUTS + node]].append(states[-1])
    return tf.concat([self._loose_end(i, x, choices, weights, training) for i, x in enumerate(states)], -1)

  def _calibrate(self, index: int, state, choices: CellChoices, weights: Weights, training: bool) -> tf.Tensor:
    units, unless = self._calibrations[index]
    if units and unless:
      condition = is_present(choices, self.inputs[index].cell, unless)
      unchanged = functools.partial(tf.ensure_shape, state, self._shapes[index])
      state = weights.call_if(condition, units[0], unchanged, state, training=training)
      units = units[1:]
    for unit in units:
      state = weights.call(unit, state, training=training)
    return tf.ensure_shape(state, self._shapes[index])

  def _branch(self, branch: int, lists, choices: CellChoices, weights: Weights, masks, training: bool) -> tf.Tensor:
    number = self._branches[branch]
    source, operation = choices.sources[self.cell, branch], choices.operations[self.cell, branch]
    place = tf.gather(self._place_of_state, source)
    outputs, weights.statistics[number] = self._operations(
      tf.gather(self._kind_of_state, source),
      operation,
      [states.read(place) for states in lists if len(states)],
      weights.weights[number],
      weights.statistics[number],
      None if masks is None else masks[branch],
      training=training,
    )
    return tf.ensure_shape(outputs, self._shapes[-1])

  def _loose_end(self, index: int, state, choices: CellChoices, weights: Weights, training: bool) -> tf.Tensor:
    """Returns what a state contributes to the output: all its channels, or none."""
    loose = choices.loose[self.cell, index]
    if index in self._tails:
      _, height, width, channels = self._shapes[-1]
      zeros = functools.partial(tf.zeros, [tf.shape(state)[0], height, width, channels], state.dtype)
      state = weights.call_if(loose > 0, self._tails[index], zeros, state, training=training)
    return state[..., : loose * self._filters]

  def _add_calibrations(self, blueprint: Blueprint, seed: int) -> list[Calibration]:
    # With one number of loose ends an input may have the right channels already, but not with two.
    few, more = (
      self._layers([number if feature.cell is not None else 1 for feature in self.inputs], seed) for number in (1, 2)
    )
    return [
      self._add_calibration(blueprint, layers, i, frozenset(self._shorter(i, len(layers), seed)))
      for i, layers in enumerate(max(pair, key=len) for pair in zip(few, more))
    ]

  def _add_calibration(self, blueprint: Blueprint, layers, index: int, unless: frozenset[int]) -> Calibration:
    units = [blueprint.add_reader(layer, self.inputs[index], unless) for layer in layers[:1]]
    shape = None, self.inputs[1].height, self.inputs[1].width, self._filters
    units += [blueprint.add_layer(layer, shape) for layer in layers[1:]]
    return Calibration(tuple(units), unless)

  def _shorter(self, index: int, length: int, seed: int):
    """Yields the numbers of loose ends for which input `index` goes through fewer than `length` layers."""
    for parts in range(1, self._selectors.num_states + 1):
      if self.inputs[index].cell is not None and len(self._layers([parts, parts], seed)[index]) < length:
        yield parts

  def _layers(self, parts: Sequence[int], seed: int):
    shapes = [feature.shape(number) for feature, number in zip(self.inputs, parts)]
    return calibration_layers(*shapes, self._filters, self._convention, seed, raw_previous=self._raw_previous)

  def _state_shapes(self) -> list[tuple]:
    """Returns the shapes of all states."""
    height, width = self.inputs[1].height, self.inputs[1].width
    shapes = [
      (None, height, width, self._filters if calibration.units else feature.channels)
      for calibration, feature in zip(self._calibrations, self.inputs)
    ]
    return shapes + [strided_shape(shapes[1], (self._stride(0),) * 2, self._filters)] * self._selectors.num_nodes

  def _stride(self, state: int) -> int:
    return 2 if self.cell == REDUCTION and state < NUM_CELL_INPUTS else 1

  def _sort_states(self) -> tuple[list[tuple], np.ndarray, np.ndarray]:
    """Returns the kinds of states (shape and stride), which kind each state is of, and its place among those."""
    pairs = [(shape, self._stride(i)) for i, shape in enumerate(self._shapes)]
    kinds = sorted(set(pairs), key=pairs.index)
    places = [pairs[:i].count(pair) for i, pair in enumerate(pairs)]
    return kinds, np.asarray([kinds.index(pair) for pair in pairs], np.int32), np.asarray(places, np.int32)

  def _branch_block(self, branch: int, seed: int) -> ChoiceBlock:
    """Returns the candidates of a branch: by the state it reads, by its operation."""
    num_operations = len(self._operations.names)
    keys = iter(derive_seeds(seed, len(self._kinds) * num_operations))
    table = [
      [self._candidate(kind, operation, next(keys)) for operation in range(num_operations)]
      for kind in range(len(self._kinds))
    ]
    sources = range(NUM_CELL_INPUTS + branch // 2)
    return ChoiceBlock(
      self._selectors.branch(self.cell, branch),
      [self._own(candidate) for source in sources for candidate in table[self._kind_of_state[source]]],
    )

  def _candidate(self, kind: int, operation: int, seed: int) -> Candidate:
    initial = self._operations.initial_weights(kind, operation, seed)
    return Candidate(initial, self._operations.functions[kind][operation].num_statistics)

  def _own(self, candidate: Candidate) -> Candidate:
    """Returns the candidate with weights of its own, if every input has them; all begin alike."""
    return candidate._replace(initial=candidate.initial.copy()) if self._per_input else candidate

  def _add_tail(self, blueprint: Blueprint, state: int, seed: int) -> list[Unit]:
    key = derive_seeds(seed, NUM_CELL_INPUTS)[state]
    layers = tail_layers(self._shapes[state], self._filters, self._stride(state), self._convention, key)
    selector = self._selectors.loose(self.cell, state)
    return [blueprint.add_layer(layer, self._shapes[state], selector=selector) for layer in layers]


def _shared_operations(library: dict, names, filters: int, kinds, convention: Convention) -> SharedOperations:
  key = (filters, tuple(kinds))
  if key not in library:
    library[key] = SharedOperations(names, filters, kinds, convention)
  return library[key]
