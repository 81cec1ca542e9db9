import numpy as np
import tensorflow as tf

from nao_tf.tasks import classification


def test_losses_are_smoothed_cross_entropies():
  logits = tf.constant([[2.0, 0.0, 0.0]])
  log_p = np.log(np.exp([2.0, 0, 0]) / np.exp([2.0, 0, 0]).sum())
  for smoothing, target in ((0.0, [1, 0, 0]), (0.3, [0.8, 0.1, 0.1])):
    loss = classification.cross_entropy(logits, tf.constant([0]), smoothing)
    np.testing.assert_allclose(loss, [-(log_p @ target)], rtol=1e-6)


def test_scores_are_accuracy_and_cross_entropy():
  scores = classification.classification_scores(tf.constant([[0.0, 0.0], [0.0, 1.0]]), tf.constant([1, 1]))
  np.testing.assert_array_equal(scores["accuracy"], [0, 1])
  np.testing.assert_allclose(scores["loss"], [np.log(2), np.log(1 + np.exp(-1))], rtol=1e-6)
