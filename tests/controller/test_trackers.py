"""Running means are of the batches since the last reset."""

import tensorflow as tf

from nao_tf.controller.trackers import NAMES, Trackers


def test_values_are_averaged_over_batches_and_the_ensemble():
  trackers = Trackers()
  trackers.update({"loss": tf.constant([1.0, 3.0])})
  means = trackers.update({"loss": tf.constant([5.0, 7.0]), "hamming": tf.constant(2.0)})
  assert {name: float(mean) for name, mean in means.items()} == {"loss": 4.0, "hamming": 2.0}


def test_there_is_a_metric_for_each_name_that_keras_can_reset():
  trackers = Trackers()
  trackers.update({"loss": tf.constant(1.0)})
  assert [metric.name for metric in trackers.all()] == list(NAMES)
  for metric in trackers.all():
    metric.reset_state()
  assert float(trackers.update({"loss": tf.constant(3.0)})["loss"]) == 3.0
