import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from nao_tf.networks.building import build_network
from nao_tf.networks.image_network_config import ImageNetworkConfig
from nao_tf.networks.precision import double_precision
from nao_tf.networks.rectifiers import relu
from nao_tf.networks.untrained_scores import naswot, synflow
from nao_tf.spaces import make_space

NETWORK = ImageNetworkConfig(num_cells=1, filters=4, auxiliary=False, drop_path_keep=1.0, dropout_keep=1.0)


class Two(keras.Model):
  """Two dense layers with a ReLU between, of images [B, 1, 1, 2]."""

  def __init__(self, first, second):
    super().__init__()
    self.first, self.second = (self.add_weight(name=n, shape=np.shape(w)) for n, w in (("a", first), ("b", second)))
    self.first.assign(first)
    self.second.assign(second)

  def call(self, images, training=False):
    return tf.matmul(relu(tf.matmul(images[:, 0, 0], tf.convert_to_tensor(self.first))), self.second)


def network(name):
  space, rng = make_space(name), np.random.default_rng(0)
  *_, cell = (space.sample(rng) for _ in range(3))  # The third hierarchical one is small.
  genotype = space.decode(cell)
  return build_network(genotype, NETWORK, input_shape=(8, 8, 3), num_outputs=3, seed=0)


def test_synflow_is_the_sum_over_weights_of_what_flows_through_them():
  with double_precision():
    two = Two([[1.0, -2.0], [-3.0, 4.0]], [[-5.0], [6.0]])
    # R = 5 (1 + 3) + 6 (2 + 4) = 56, and what flows through each layer is all of R.
    assert synflow(two, (1, 1, 2)) == pytest.approx(np.log(2 * 56))


def test_synflow_neither_overflows_nor_vanishes():
  for size in (1e170, 1e-50):
    with double_precision():
      two = Two(np.full((2, 2), size), np.full((2, 1), size))
      assert synflow(two, (1, 1, 2)) == pytest.approx(np.log(8) + 2 * np.log(size))


def test_naswot_is_high_if_the_images_are_told_apart():
  identity = Two([[1.0, 0.0], [0.0, 1.0]], [[1.0], [1.0]])
  images = tf.reshape(tf.constant([[1.0, -1.0], [-1.0, 1.0]]), (2, 1, 1, 2))
  # They have no unit in common: the kernel is diag(2, 2).
  assert naswot(identity, images) == pytest.approx(np.log(4), abs=0.01)
  assert np.isfinite(naswot(identity, tf.ones((2, 1, 1, 2)))) and naswot(identity, tf.ones((2, 1, 1, 2))) < 0


@pytest.mark.parametrize("name", ["nasnet5", "hierarchical", "autokeras"])
def test_every_kind_of_image_network_has_both(name):
  images = tf.constant(np.random.default_rng(0).normal(size=(4, 8, 8, 3)), tf.float32)
  assert np.isfinite(naswot(network(name), images))
  with double_precision():
    assert np.isfinite(synflow(network(name), (8, 8, 3)))
  assert keras.backend.floatx() == "float32" and keras.mixed_precision.global_policy().name == "float32"
