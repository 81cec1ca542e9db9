"""Plain image models as models of TensorFlow Lite: with weights of 8 or 16 bits, or computing in 8 bits.

The standardization of pixels stays in floats: it takes a norm over all pixels of an image, of which 8 bits say too little.
So does the softmax. Everything in between, which is nearly all of the work, is quantized.
"""

from collections.abc import Iterable, Iterator

import numpy as np
import tensorflow as tf
from tensorflow import keras

from nao_tf.serving.plain_preprocessing import LAYER_PREFIX
from nao_tf.training.keras_version import IS_KERAS_3

_IN_FLOATS = ["SOFTMAX"]
"""Operations of TensorFlow Lite that are not quantized."""


def with_small_weights(model: keras.Model) -> bytes:
  """Returns a model whose weights have 8 bits and which computes in floats."""
  converter = _converter(model)
  converter.optimizations = [tf.lite.Optimize.DEFAULT]
  content: bytes = converter.convert()
  return content


def with_half_weights(model: keras.Model) -> bytes:
  """Returns a model whose weights are float16 and which computes in floats."""
  converter = _converter(model)
  converter.optimizations = [tf.lite.Optimize.DEFAULT]
  converter.target_spec.supported_types = [tf.float16]
  content: bytes = converter.convert()
  return content


def computing_in_8_bits(model: keras.Model, images: Iterable[np.ndarray]) -> bytes:
  """Returns a model that computes in 8 bits between the standardization of pixels and the softmax.

  It takes images of the type of the examples, uint8 or otherwise float32, and returns probabilities as float32.

  Args:
    model: from raw images to probabilities.
    images: raw training images, each `[1, H, W, C]`; the ranges of values are measured with them.

  Raises:
    ValueError: if there are no images.
  """
  examples = list(images)
  if not examples:
    raise ValueError("the format tflite_int8 needs training images, to measure the ranges of values")
  dtype = np.uint8 if examples[0].dtype == np.uint8 else np.float32
  converter = _converter(_taking(model, dtype))
  converter.optimizations = [tf.lite.Optimize.DEFAULT]
  converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8, tf.lite.OpsSet.TFLITE_BUILTINS]

  def dataset() -> Iterator[list[np.ndarray]]:
    return ([example.astype(dtype)] for example in examples)

  converter.representative_dataset = dataset
  return _quantized(converter)


def _converter(model: keras.Model) -> tf.lite.TFLiteConverter:
  """Returns what converts a model. Keras 2 would write a graph for every layer."""
  if IS_KERAS_3:
    return tf.lite.TFLiteConverter.from_keras_model(model)
  (images,), (name,), module = model.inputs, model.output_names, tf.Module()
  taken = tf.TensorSpec(images.shape, images.dtype, name=images.name)
  module.model_variables = model.variables
  module.answer = tf.function(lambda images: {name: model(images, training=False)}, [taken], autograph=False)
  return tf.lite.TFLiteConverter.from_concrete_functions([module.answer.get_concrete_function()], module)


def _taking(model: keras.Model, dtype: type[np.generic]) -> keras.Model:
  """Returns a model that takes images of a type."""
  if dtype == np.float32:
    return model
  images = keras.Input(model.input_shape[1:], dtype=np.dtype(dtype).name, name="images")
  return keras.Model(images, model(images), name=model.name)


def _quantized(converter: tf.lite.TFLiteConverter) -> bytes:
  """Measures ranges and quantizes; TensorFlow Lite has its debugger for leaving out a part."""
  debugger = tf.lite.experimental.QuantizationDebugger(
    converter=converter, debug_dataset=converter.representative_dataset
  )
  details = tf.lite.Interpreter(model_content=debugger.quant_model).get_tensor_details()
  debugger.options = tf.lite.experimental.QuantizationDebugOptions(
    denylisted_ops=_IN_FLOATS,
    denylisted_nodes=[detail["name"] for detail in details if LAYER_PREFIX in detail["name"]],
  )
  content: bytes = debugger.get_nondebug_quantized_model()
  return content
