"""Converts an image network to a functional model of standard Keras layers, with equal outputs and all of its weights.

Such a model does not need this package: it can be saved, loaded, inspected, trained further and truncated like any
other Keras model. The names of its layers describe their position: `stem-norm`,
`cell_3-node_2-left-sep3x3-0-depthwise`, `cell_3` (the output of a cell), `logits`. Parts for training are left out by
default: the auxiliary head, which can be kept as a second output, and drop-path, which can be kept as layers of
`nao_tf.networks.drop_path`.
"""

import re
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf
from tensorflow import keras

from nao_tf.networks.cell import Cell
from nao_tf.networks.drop_path import DropPath, DropPaths, DropPathSchedule
from nao_tf.networks.edge_cell import StackedEdgeCell
from nao_tf.networks.heads import AuxiliaryHead, ClassifierHead
from nao_tf.networks.image_network import ImageClassifier, ImageNetwork, auxiliary_cell
from nao_tf.networks.motif_cell import MotifCell
from nao_tf.networks.plain_edges import plain_edge_cell
from nao_tf.networks.plain_layers import NotConvertible, Symbol, apply_layer, plain_layer, relu
from nao_tf.networks.plain_motifs import plain_motif_cell
from nao_tf.networks.precision import check_precision
from nao_tf.networks.stems import Stem
from nao_tf.spaces.genotypes import Branch, Node

TOLERANCE = 1e-4
POOLINGS = {"avg": keras.layers.GlobalAveragePooling2D, "max": keras.layers.GlobalMaxPooling2D}
_CHECKED_IMAGES = 2


def plain_model(
  network: ImageNetwork | ImageClassifier,
  *,
  prepare: Callable[[Symbol], Symbol] | None = None,
  include_top: bool = True,
  pooling: str | None = None,
  classifier_activation: str | None = "softmax",
  training_graph: bool = False,
  name: str = "image_classifier",
) -> keras.Model:
  """Returns a functional model of standard layers that computes what a network computes at inference.

  The weights are copies. The outputs are compared for random images before the model is returned.

  Args:
    network: trained or fresh.
    prepare: applies layers that make the inputs of the network from raw images; None: the model takes these inputs.
    include_top: whether to classify; otherwise the outputs are features [B, H, W, C].
    pooling: for features: "avg" or "max" to pool them to [B, C]; None to leave them as they are.
    classifier_activation: activation after the logits; None for logits.
    training_graph: whether to keep drop-path, and the auxiliary head as a second output `auxiliary`. Then the layers of
      drop-path are not standard ones.
    name: name of the model.

  Raises:
    nao_tf.networks.plain_layers.NotConvertible: if the network has something that standard layers do not express.
    ValueError: if an argument is unknown, or Keras is set to mixed precision.
  """
  check_precision(("float32", "float64"))
  _check_pooling(pooling, include_top)
  classifier = _classifier_of(network)
  images = keras.Input(classifier.image_shape, name="images")
  prepared = images if prepare is None else prepare(images)
  cells = _cells(classifier, prepared, training_graph)
  features = _features(classifier, cells[-1])
  logits = _logits(classifier.head, features)
  _check_outputs(classifier, keras.Model(images, [prepared, features, logits]))
  if not include_top:
    return keras.Model(images, _pooled(features, pooling), name=layer_name(name, "image_classifier"))
  outputs = _activated(logits, classifier_activation, "probabilities")
  if training_graph and isinstance(network, ImageNetwork) and network.auxiliary_head is not None:
    read = cells[auxiliary_cell(network.config, len(cells))]
    auxiliary = _auxiliary_logits(network.auxiliary_head, read)
    outputs = [outputs, _activated(auxiliary, classifier_activation, "auxiliary")]
  return keras.Model(images, outputs, name=layer_name(name, "image_classifier"))


def _classifier_of(network: keras.Model) -> ImageClassifier:
  classifier = network.classifier if type(network) is ImageNetwork else network
  if type(classifier) is not ImageClassifier:
    raise NotConvertible(f"a {type(network).__name__} cannot be converted to standard layers of Keras")
  return classifier


def _cells(classifier: ImageClassifier, inputs: Symbol, training_graph: bool) -> list[Symbol]:
  """Applies stem and cells; returns the outputs of the cells."""
  _check_class(classifier.stem, Stem)
  states = [plain_layer(classifier.stem.first, inputs, "stem-first")]
  states.append(plain_layer(classifier.stem.second, states[0], "stem-second"))
  drops = _drop_paths(classifier, inputs) if training_graph else [None] * len(classifier.cells)
  for number, (cell, drop) in enumerate(zip(classifier.cells, drops)):
    states.append(_cell(cell, classifier.plans[number].inputs_among(states), f"cell_{number}", drop))
  return states[2:]


def _drop_paths(classifier: ImageClassifier, inputs: Symbol) -> Sequence[DropPaths | None]:
  """Returns the drop-path of every cell; see `TrainingDraws.masks`."""
  config, count = classifier.config, len(classifier.cells)
  if config.drop_path_keep == 1.0:
    return [None] * count
  progress = DropPathSchedule(config.drop_path_steps, name="drop_path")(inputs)
  return [DropPaths(progress, (number + 1) / count * (1.0 - config.drop_path_keep)) for number in range(count)]


def _features(classifier: ImageClassifier, last: Symbol) -> Symbol:
  """Applies the ReLU of the head to the output of the last cell, if there is one."""
  _check_class(classifier.head, ClassifierHead)
  return relu(last, "head") if classifier.head.convention.head_relu else last


def _cell(cell: keras.layers.Layer, inputs: Sequence[Symbol], name: str, drop: DropPaths | None) -> Symbol:
  """Applies a cell; see `Cell.call`."""
  if type(cell) is MotifCell:
    return plain_motif_cell(cell, inputs[1], name, drop)
  if type(cell) is StackedEdgeCell:
    return plain_edge_cell(cell, inputs[1], name, drop)
  _check_class(cell, Cell)
  states = [plain_layer(cell.calibrations[i], inputs[i], f"{name}-input_{i}") for i in range(len(inputs))]
  for number in range(len(cell.cell.nodes)):
    place = f"{name}-node_{number}"
    sides = enumerate(Node._fields)
    left, right = (_branch(cell, 2 * number + i, states, f"{place}-{side}", drop) for i, side in sides)
    states.append(keras.layers.Add(name=place)([left, right]))
  ends = [plain_layer(layer, states[i], f"{name}-output_{i}") for i, layer in zip(cell.cell.concatenated, cell.tails)]
  return keras.layers.Identity(name=name)(ends[0]) if len(ends) == 1 else keras.layers.Concatenate(name=name)(ends)


def _branch(cell: Cell, number: int, states: Sequence[Symbol], place: str, drop: DropPaths | None) -> Symbol:
  branch: Branch = cell.branches[number]
  outputs = plain_layer(cell.operations[number], states[branch.source], f"{place}-{branch.operation}")
  if drop is None or not cell.is_dropped(branch):
    return outputs
  return DropPath(drop.rate, name=f"{place}-drop_path")([outputs, drop.progress])


def _logits(head: ClassifierHead, features: Symbol) -> Symbol:
  """Applies pooling, dropout and the dense layer of the head."""
  pooled = keras.layers.GlobalAveragePooling2D(name="head-pool")(features)
  dropped = pooled if head.keep == 1.0 else keras.layers.Dropout(1.0 - head.keep, name="head-dropout")(pooled)
  return _dense(head.dense, dropped, "logits")


def _auxiliary_logits(head: AuxiliaryHead, features: Symbol) -> Symbol:
  """Applies the auxiliary head; see `AuxiliaryHead.call`."""
  _check_class(head, AuxiliaryHead)
  read = relu(features, "auxiliary-input")
  pooled = keras.layers.AveragePooling2D(head.window, head.stride, "valid", name="auxiliary-pool")(read)
  outputs = relu(plain_layer(head.convolutions, pooled, "auxiliary"), "auxiliary-output")
  return _dense(head.dense, keras.layers.Flatten(name="auxiliary-flatten")(outputs), "auxiliary-logits")


def _dense(layer: keras.layers.Dense, inputs: Symbol, name: str) -> Symbol:
  dense = keras.layers.Dense(layer.units, use_bias=layer.use_bias, name=name)
  return apply_layer(dense, inputs, [layer.kernel, *([layer.bias] if layer.use_bias else [])])


def _activated(logits: Symbol, activation: str | None, name: str) -> Symbol:
  return logits if activation is None else keras.layers.Activation(activation, name=name)(logits)


def _pooled(features: Symbol, pooling: str | None) -> Symbol:
  return features if pooling is None else POOLINGS[pooling](name="features")(features)


def _check_pooling(pooling: str | None, include_top: bool) -> None:
  if pooling is not None and (include_top or pooling not in POOLINGS):
    raise ValueError(f"pooling must be None, or with include_top=False one of {', '.join(POOLINGS)}, got {pooling!r}")


def _check_class(layer: keras.layers.Layer, expected: type[keras.layers.Layer]) -> None:
  if type(layer) is not expected:
    raise NotConvertible(
      f"{layer.name}: expected a {expected.__name__}, since no other layer there can be converted to standard layers of"
      f" Keras; got a {type(layer).__name__}"
    )


def _check_outputs(classifier: ImageClassifier, model: keras.Model) -> None:
  """Compares a network with a model that returns the inputs of the network, features and logits, for random images.

  Raises:
    NotConvertible: if they differ.
  """
  images = np.random.default_rng(0).normal(size=(_CHECKED_IMAGES, *classifier.image_shape))
  prepared, _, logits = model(tf.constant(images, keras.backend.floatx()), training=False)
  expected, found = np.array(classifier(prepared, training=False)), np.array(logits)
  difference = np.abs(found - expected).max()
  if not difference <= TOLERANCE * max(1.0, np.abs(expected).max()):
    raise NotConvertible(
      f"the network was not converted correctly: its logits differ by {difference} from those of standard layers; does it"
      " have a layer or a convention that was changed?"
    )


def layer_name(text: str, default: str) -> str:
  """Returns a name that Keras and TensorFlow accept for a model.

  Args:
    text: a name.
    default: what it is called if nothing of that is accepted.
  """
  return re.sub(r"\W+", "_", text).strip("_").lower() or default
