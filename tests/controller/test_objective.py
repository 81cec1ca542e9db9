"""The loss and the regularization of its gradient, by hand."""

import numpy as np
import pytest
import tensorflow as tf

from nao_tf.controller.objective import clip_by_norm, regularized, score_loss, token_loss


def test_gradients_are_clipped_by_the_norm_of_the_whole():
  clipped = clip_by_norm([tf.constant([3.0]), tf.constant([[4.0]])], 1.0, ())
  np.testing.assert_allclose([clipped[0][0], clipped[1][0, 0]], [0.6, 0.8], rtol=1e-6)
  unchanged = clip_by_norm([tf.constant([0.3]), tf.constant([[0.4]])], 1.0, ())
  np.testing.assert_allclose([unchanged[0][0], unchanged[1][0, 0]], [0.3, 0.4], rtol=1e-6)


def test_gradients_are_clipped_member_by_member():
  clipped = clip_by_norm([tf.constant([[3.0], [0.3]]), tf.constant([[[4.0]], [[0.4]]])], 1.0, (2,))
  np.testing.assert_allclose(tf.reshape(clipped[0], [-1]), [0.6, 0.3], rtol=1e-6)
  np.testing.assert_allclose(tf.reshape(clipped[1], [-1]), [0.8, 0.4], rtol=1e-6)


def test_l2_acts_before_clipping_and_weight_decay_after():
  weight, gradient = tf.Variable([10.0]), tf.constant([0.0])
  np.testing.assert_allclose(regularized([gradient], [weight], (), clip_norm=1.0, l2=1.0)[0], [1.0])
  np.testing.assert_allclose(regularized([gradient], [weight], (), clip_norm=1.0, weight_decay=1.0)[0], [10.0])


def test_the_loss_of_scores_is_a_mean_over_those_that_have_one():
  predictions, targets = tf.constant([0.0, 0.5, 0.9]), tf.constant([1.0, 1.0, 0.0])
  np.testing.assert_allclose(score_loss(predictions, targets, tf.constant([1.0, 1.0, 0.0])), (1 + 0.25) / 2)
  assert score_loss(predictions, targets, tf.zeros(3)) == 0


def test_the_loss_of_tokens_is_the_mean_negative_log_probability():
  logits = tf.math.log(tf.constant([[[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]]]))
  assert float(token_loss(logits, tf.constant([[0, 2]]))) == pytest.approx(-(np.log(0.5) + np.log(0.8)) / 2)


def test_losses_of_an_ensemble_are_those_of_each_controller():
  predictions, targets = tf.constant([[0.0, 0.5], [1.0, 1.0]]), tf.constant([1.0, 1.0])
  np.testing.assert_allclose(score_loss(predictions, targets, tf.ones(2)), [(1 + 0.25) / 2, 0])
