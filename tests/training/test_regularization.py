import numpy as np
import tensorflow as tf

from nao_tf.training.config import TrainingConfig
from nao_tf.training.regularization import Regularization

GRADIENTS = [tf.constant([3.0, 0.0]), tf.constant([0.0])]
WEIGHTS = [tf.Variable([0.0, 8.0]), tf.Variable([0.0])]


def regularized(**options):
  return Regularization(TrainingConfig(**options), num_replicas=1)(GRADIENTS, WEIGHTS)


def test_the_decay_is_added_before_the_norm_is_bounded():
  # 3 and 0.5 * 8 have the norm 5, which becomes 1.
  first, second = regularized(weight_decay=0.5, clip_norm=1.0)
  np.testing.assert_allclose(first, [0.6, 0.8], rtol=1e-6)
  np.testing.assert_allclose(second, [0.0])


def test_without_bound_and_decay_gradients_stay_as_they_are():
  for gradient, expected in zip(regularized(weight_decay=0.0, clip_norm=0.0), GRADIENTS):
    np.testing.assert_array_equal(gradient, expected)


def test_an_optimizer_with_a_decay_of_its_own_gets_none_here():
  first, _ = regularized(optimizer="AdamW", weight_decay=0.5, clip_norm=0.0)
  np.testing.assert_array_equal(first, GRADIENTS[0])
