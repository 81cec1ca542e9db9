"""Network morphisms: changes to a Keras model that preserve the function it computes.

Chen et al., "Net2Net", ICLR 2016; Wei et al., "Network Morphism", ICML 2016; Jin et al., "Auto-Keras", KDD 2019.

A trained network is made deeper or wider, or gets another skip connection, and continues training from there:

    model = deeper(model, "relu_2", kernel_size=3)
    model = wider(model, "conv_1", 128)
    model = add_skip(model, "relu_1", "norm_3")
    model = concat_skip(model, "relu_1", "conv_4")

Each function takes a functional model of plain layers and returns a new one, leaving the first unchanged. At inference
both have the same outputs, up to rounding. In training, batch normalization uses batch statistics; see `calibrated`.
"""

import numpy as np
from tensorflow import keras

from nao_tf.networks.graph_morphisms import deepened, with_concatenation, with_sum
from nao_tf.networks.layer_graph import LayerGraph, build_model, read_graph
from nao_tf.networks.widening import widened

__all__ = ["add_skip", "calibrated", "concat_skip", "deeper", "wider"]


def deeper(
  model: keras.Model, after: str, *, kernel_size: int = 3, normalized: bool = True, name: str | None = None
) -> keras.Model:
  """Returns a model with an additional layer, initialized to the identity.

  After images, it consists of a convolution, batch normalization and a ReLU; after vectors, of a dense layer and a
  ReLU. Where values may be negative, a `PReLU` initialized to the identity replaces the ReLU.

  Args:
    model: a functional model.
    after: name of the layer to insert after. Its readers will read the new layer.
    kernel_size: height and width of the kernel of a convolution, odd.
    normalized: whether a convolution has batch normalization.
    name: prefix of the names of the new layers; None for an unused one.

  Raises:
    ValueError: if the model does not consist of plain layers, there is no such layer, its output is neither images nor
      vectors, or the kernel size is even.
  """
  graph = read_graph(model)
  prefix = _free_name(graph, "deeper") if name is None else name
  return build_model(deepened(graph, after, kernel_size, prefix, normalized=normalized))


def wider(model: keras.Model, layer: str, width: int, *, seed: int = 0) -> keras.Model:
  """Returns a model in which one layer has more filters or units.

  New channels are copies of random old ones. In all downstream layers that read them, the weights of an old channel are
  divided among its copies, in unequal parts, so that the copies get different gradients and diverge in training. If the
  output is added to that of other layers, these are widened as well.

  Args:
    model: a functional model.
    layer: name of a Conv2D or Dense layer.
    width: its new number of filters or units.
    seed: random seed of the choice of copies and of their parts.

  Raises:
    ValueError: if the model does not consist of plain layers, there is no such layer, it is at least as wide already,
      or something downstream cannot be widened, such as an output of the model.
  """
  return build_model(widened(read_graph(model), layer, width, np.random.default_rng(seed)))


def add_skip(model: keras.Model, start: str, end: str, *, name: str | None = None) -> keras.Model:
  """Returns a model in which the output of one layer is added to that of a later one.

  It is first pooled to the resolution there, and passed through a 1x1 convolution or a dense layer that is initialized
  to zero.

  Args:
    model: a functional model.
    start: name of the layer whose output is added.
    end: name of the layer whose output it is added to. Readers of that output will read the sum.
    name: prefix of the names of the new layers; None for an unused one.

  Raises:
    ValueError: if the model does not consist of plain layers, there is no such layer, `start` depends on `end`, or it
      has a lower resolution.
  """
  graph = read_graph(model)
  return build_model(with_sum(graph, start, end, _free_name(graph, "skip") if name is None else name))


def concat_skip(model: keras.Model, start: str, end: str, *, name: str | None = None) -> keras.Model:
  """Returns a model in which a later layer also reads the output of an earlier one, concatenated to its input.

  The output is first pooled to the resolution there. The weights for the new channels are initialized to zero.

  Args:
    model: a functional model.
    start: name of the layer whose output is read.
    end: name of a Conv2D or Dense layer that reads it.
    name: prefix of the names of the new layers; None for an unused one.

  Raises:
    ValueError: if the model does not consist of plain layers, there is no such layer, `end` is of another class,
      `start` depends on it, or it has a lower resolution.
  """
  graph = read_graph(model)
  return build_model(with_concatenation(graph, start, end, _free_name(graph, "skip") if name is None else name))


def calibrated(model: keras.Model, norms: list[str], examples: np.ndarray) -> None:
  """Calibrates new batch normalization layers to be the identity also in training (Net2Net, section 2.5).

  A new batch normalization layer is the identity for inputs of mean 0 and variance 1, but in training it uses batch
  statistics. So its scale and offset are set to the standard deviation and the mean of its inputs for some examples.

  Args:
    model: the model, which is changed.
    norms: names of the batch normalization layers that are the identity at inference.
    examples: inputs of the model.
  """
  if not norms:
    return
  layers = [model.get_layer(name) for name in norms]
  seen = keras.Model(model.input, [layer.input for layer in layers])(examples, training=False)
  for layer, values in zip(layers, seen if isinstance(seen, (list, tuple)) else [seen]):
    rows = np.asarray(values, np.float64).reshape(-1, int(values.shape[-1]))
    mean, variance = rows.mean(0), rows.var(0)
    layer.set_weights([np.sqrt(variance + layer.epsilon), mean, mean, variance])


def _free_name(graph: LayerGraph, word: str) -> str:
  """Returns a name that no layer of the graph has, nor begins with."""
  number = 1
  while any(name.startswith(f"{word}_{number}-") for name in graph.nodes):
    number += 1
  return f"{word}_{number}"
