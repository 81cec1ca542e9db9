import numpy as np
import pytest
import tensorflow as tf

from nao_tf.supernets.state_list import StateList


def filled(tensors):
  states = StateList([None, 2])
  for tensor in tensors:
    states.append(tensor)
  return states


@pytest.mark.parametrize("wrap", [lambda f: f, tf.function])
def test_what_is_read_is_what_was_put_there(wrap):
  tensors = [tf.fill([3, 2], float(i)) for i in range(4)]
  read = wrap(lambda place: filled(tensors).read(place))
  for place, expected in ((0, 0), (3, 3), (9, 3), (-1, 0)):
    np.testing.assert_array_equal(read(tf.constant(place)), tensors[expected])


@pytest.mark.parametrize("wrap", [lambda f: f, tf.function])
def test_gradients_add_up_over_readers_and_are_zero_without_any(wrap):
  def gradients(place):
    tensors = [tf.ones([3, 2]) * i for i in range(3)]
    with tf.GradientTape() as tape:
      tape.watch(tensors)
      states = filled(tensors)
      loss = tf.reduce_sum(states.read(place) * 2.0) + tf.reduce_sum(states.read(tf.constant(1)) ** 2)
    return tape.gradient(loss, tensors, unconnected_gradients="zero")

  zero, one, two = wrap(gradients)(tf.constant(2))
  np.testing.assert_array_equal(zero, np.zeros((3, 2)))
  np.testing.assert_array_equal(one, np.full((3, 2), 2.0))
  np.testing.assert_array_equal(two, np.full((3, 2), 2.0))


def test_a_place_can_be_written_again():
  states = filled([tf.zeros([1, 2]), tf.ones([1, 2])])
  states.write(tf.constant(0), tf.fill([1, 2], 5.0))
  assert len(states) == 2
  np.testing.assert_array_equal(states.read(tf.constant(0)), [[5, 5]])
