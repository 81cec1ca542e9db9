import numpy as np
import tensorflow as tf
from tensorflow import keras

from nao_tf.networks.conventions import CONVENTIONS
from nao_tf.networks.layers import ConvNorm
from nao_tf.networks.weight_sources import OWN_WEIGHTS


class Doubled:
  """A source that answers with twice the value of every variable and forgets what is written."""

  def read(self, variable):
    return 2 * tf.convert_to_tensor(variable)

  def write(self, variable, value):
    pass


def built():
  layer = ConvNorm(3, 1, CONVENTIONS["nao"], 0)
  layer.build((None, 4, 4, 2))
  return layer


def images():
  return np.random.default_rng(0).normal(size=(2, 4, 4, 2)).astype(np.float32)


def test_own_weights_are_the_variables():
  layer = keras.layers.Dense(2)
  layer.build((None, 1))
  OWN_WEIGHTS.write(layer.kernel, [[1.0, 2.0]])
  np.testing.assert_array_equal(OWN_WEIGHTS.read(layer.kernel), [[1, 2]])


def test_a_layer_reads_and_writes_its_weights_through_the_source_alone():
  layer, doubled = built(), built()
  doubled.set_weights([2 * weight for weight in doubled.get_weights()])
  before = layer.get_weights()
  outputs = layer(images(), training=True, weights=Doubled())
  np.testing.assert_allclose(outputs, doubled(images(), training=True), rtol=1e-6)
  for was, now in zip(before, layer.get_weights()):
    np.testing.assert_array_equal(was, now)
