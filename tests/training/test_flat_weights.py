import numpy as np
import tensorflow as tf

from nao_tf.training.flat_weights import FlatWeights


def test_flat_weights_are_the_variables_one_after_the_other_and_go_back():
  variables = [tf.Variable([[1.0, 2.0], [3.0, 4.0]]), tf.Variable(5.0), tf.Variable([6.0])]
  flat = FlatWeights(variables)
  np.testing.assert_array_equal(flat.vector, [1, 2, 3, 4, 5, 6])
  flat.vector.assign_add(tf.range(6.0))
  flat.write_back()
  np.testing.assert_array_equal(variables[0], [[1, 3], [5, 7]])
  np.testing.assert_array_equal(flat.pack(variables), flat.vector)
