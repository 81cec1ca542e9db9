"""Counts what built layers have and do: an independent count to compare computed costs with."""

import contextlib
import inspect
import math
from unittest import mock

import tensorflow as tf
from tensorflow import keras

from nao_tf.networks import edge_cell, heads, layers, motif_operations

_COUNTED = (
  layers.ConvNorm,
  layers.SeparableConvNorm,
  layers.FactorizedReduction,
  motif_operations.Depthwise,
  heads.Dense,
  edge_cell.ResidualReduction,  # Its shortcut has no layer of its own.
)
_KERNELS = ("kernel", "depthwise", "pointwise")


def called(make, shape):
  """Builds a layer of zeros and calls it once, without a graph: of small layers, that takes the least time.

  Args:
    make: returns the layer.
    shape: of one input.

  Returns:
    The layer, and its multiply-adds: of every kernel at every place of the output.
  """
  seen = []
  with contextlib.ExitStack() as patches:
    for kind in _COUNTED:
      patches.enter_context(mock.patch.object(kind, "call", _recording(kind.call, seen)))
    patches.enter_context(mock.patch.object(keras.layers.Layer, "add_weight", _add_zeros))
    layer = make()
    if not layer.built:
      layer.build((None, *shape))
    layer(tf.zeros((1, *shape)), training=False)
  return layer, sum(_multiply_adds(*row) for row in seen)


def num_parameters(layer):
  return sum(math.prod(weight.shape) for weight in layer.trainable_weights)


def _add_zeros(layer, *args, add_weight=keras.layers.Layer.add_weight, **kwargs):
  """Adds a weight without the operations of its initializer, on which no figure depends."""
  return add_weight(layer, *args, **{**kwargs, "initializer": "zeros"})


def _recording(call, seen):
  known = inspect.signature(call).parameters

  @tf.autograph.experimental.do_not_convert
  def record(layer, inputs, *args, **kwargs):
    given = {name: value for name, value in kwargs.items() if name in known}  # Keras offers more to what takes all.
    outputs = call(layer, inputs, *args, **given)
    seen.append((layer, outputs.shape))
    return outputs

  return record


def _multiply_adds(layer, output_shape):
  places = math.prod(output_shape[1:-1])
  return sum(places * math.prod(getattr(layer, name).shape) for name in _KERNELS if hasattr(layer, name))
