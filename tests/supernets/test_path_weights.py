import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from nao_tf.supernets.path_weights import PathWeights

INITIAL = np.arange(8, dtype=np.float32)
ON_PATH = tf.constant([1, 2, 6])
OPTIMIZERS = {
  "momentum": lambda: keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True),
  "Adam": lambda: keras.optimizers.Adam(0.1),
  "Adagrad": lambda: keras.optimizers.Adagrad(0.1),
}


def step(shared, positions=ON_PATH, gradient=1.0, others=()):
  weights = shared.read(positions)
  shared.apply(positions, weights, tf.fill(tf.shape(weights), gradient), others)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_what_is_not_on_the_path_stays_as_it_is_however_often_others_move(name):
  shared = PathWeights(INITIAL, 4, OPTIMIZERS[name])
  step(shared, tf.constant([0, 3]), 2.0)  # Leaves momenta behind.
  before = shared.vector.numpy()
  for _ in range(3):
    step(shared)
  moved = np.flatnonzero(shared.vector.numpy() != before)
  np.testing.assert_array_equal(moved, ON_PATH)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_weight_on_every_path_moves_as_with_the_optimizer_alone(name):
  """Whatever else comes and goes."""
  shared = PathWeights(INITIAL, 4, OPTIMIZERS[name])
  alone, optimizer = tf.Variable(INITIAL[:1]), OPTIMIZERS[name]()
  optimizer.build([alone])
  for number, others in enumerate(([1], [2, 3], [], [1, 2, 4])):
    step(shared, tf.constant([0, *others]), float(number))
    optimizer.apply_gradients([(tf.constant([float(number)]), alone)])
    assert shared.vector.numpy()[0] == pytest.approx(alone.numpy()[0], rel=1e-6)


def test_momentum_waits_until_the_weight_is_on_a_path_again():
  shared = PathWeights(np.zeros(2, np.float32), 1, lambda: keras.optimizers.SGD(1.0, momentum=0.5))
  first, second = tf.constant([0]), tf.constant([1])
  step(shared, first, 1.0)
  step(shared, second, 1.0)
  np.testing.assert_allclose(shared.vector, [-1, -1])
  step(shared, first, 0.0)
  np.testing.assert_allclose(shared.vector, [-1.5, -1])


def test_other_variables_are_optimized_as_they_are():
  other = tf.Variable([5.0, 6.0, 7.0, 8.0])  # As long as the longest path.
  shared = PathWeights(INITIAL, 4, lambda: keras.optimizers.SGD(0.1, momentum=0.9), [other])
  for _ in range(2):
    step(shared, others=[tf.ones(4)])
  np.testing.assert_allclose(other, np.array([5, 6, 7, 8]) - 0.1 - 0.19, rtol=1e-6)
  np.testing.assert_allclose(shared.vector.numpy()[1], 1 - 0.1 - 0.19, rtol=1e-6)


def test_one_graph_serves_paths_of_all_lengths():
  shared = PathWeights(INITIAL, 4, OPTIMIZERS["momentum"])
  function = tf.function(lambda positions: step(shared, positions), input_signature=[tf.TensorSpec([None], tf.int32)])
  for positions in ([0], [1, 2], [0, 3, 4, 5]):
    function(tf.constant(positions))
  np.testing.assert_array_equal(np.flatnonzero(shared.vector.numpy() == INITIAL), [6, 7])


def test_a_checkpoint_holds_weights_and_momenta(tmp_path):
  one, other = (PathWeights(INITIAL + i, 4, OPTIMIZERS["momentum"]) for i in (0, 1))
  step(one)
  path = tf.train.Checkpoint(**one.state).write(str(tmp_path / "checkpoint"))
  tf.train.Checkpoint(**other.state).read(path).assert_existing_objects_matched()
  for shared in (one, other):
    step(shared)
  np.testing.assert_array_equal(one.vector, other.vector)
