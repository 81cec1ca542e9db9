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
  """Returns a model with one layer more, which begins as the identity.

  After images, that is a convolution, batch normalization and a ReLU; after vectors, a dense layer and a ReLU. Where
  values may be negative, a `PReLU` that begins as the identity takes the place of the ReLU.

  Args:
    model: a functional model.
    after: name of the layer that the new one reads. What has read that reads the new one.
    kernel_size: height and width of the kernel of a convolution, odd.
    normalized: whether a convolution has batch normalization.
    name: what the names of the new layers begin with; None for a name that is free.

  Raises:
    ValueError: if the model is not one of plain layers, there is no such layer, its output is neither images nor
      vectors, or the kernel is even.
  """
  graph = read_graph(model)
  prefix = _free_name(graph, "deeper") if name is None else name
  return build_model(deepened(graph, after, kernel_size, prefix, normalized=normalized))


def wider(model: keras.Model, layer: str, width: int, *, seed: int = 0) -> keras.Model:
  """Returns a model in which one layer has more filters or units.

  The new ones are copies of random old ones. All layers downstream that read them share what they did for the old one
  among its copies, in unequal parts: so the copies get different gradients, and become different in training. If the
  output is added to that of other layers, these become wider, too.

  Args:
    model: a functional model.
    layer: name of a Conv2D or Dense layer.
    width: its new number of filters or units.
    seed: random seed of the choice of copies and of their parts.

  Raises:
    ValueError: if the model is not one of plain layers, there is no such layer, it is at least as wide already, or
      something downstream cannot become wider, such as an output of the model.
  """
  return build_model(widened(read_graph(model), layer, width, np.random.default_rng(seed)))


def add_skip(model: keras.Model, start: str, end: str, *, name: str | None = None) -> keras.Model:
  """Returns a model in which the output of one layer is added to that of a later one.

  On the way it is pooled to the resolution there, and goes through a 1x1 convolution, or a dense layer, which begins as
  zero.

  Args:
    model: a functional model.
    start: name of the layer whose output is added.
    end: name of the layer whose output it is added to. What has read that reads the sum.
    name: what the names of the new layers begin with; None for a name that is free.

  Raises:
    ValueError: if the model is not one of plain layers, there is no such layer, `start` depends on `end`, or it has a
      lower resolution.
  """
  graph = read_graph(model)
  return build_model(with_sum(graph, start, end, _free_name(graph, "skip") if name is None else name))


def concat_skip(model: keras.Model, start: str, end: str, *, name: str | None = None) -> keras.Model:
  """Returns a model in which a later layer reads the output of one layer beside what it has read before.

  On the way it is pooled to the resolution there. The weights for the new channels begin as zero.

  Args:
    model: a functional model.
    start: name of the layer whose output is read.
    end: name of a Conv2D or Dense layer that reads it.
    name: what the names of the new layers begin with; None for a name that is free.

  Raises:
    ValueError: if the model is not one of plain layers, there is no such layer, `end` is of another class, `start`
      depends on it, or it has a lower resolution.
  """
  graph = read_graph(model)
  return build_model(with_concatenation(graph, start, end, _free_name(graph, "skip") if name is None else name))


def calibrated(model: keras.Model, norms: list[str], examples: np.ndarray) -> None:
  """Makes batch norms the identity in training, too, for the statistics of some examples (Net2Net, section 2.5).

  A new batch normalization is the identity for mean 0 and variance 1. In training it takes those of the batch
  instead. So its scale and offset become the standard deviation and the mean of what it reads.

  Args:
    model: whose layers are changed.
    norms: names of layers of batch normalization that are the identity in inference.
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
