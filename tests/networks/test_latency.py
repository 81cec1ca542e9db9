"""The latency of networks, as a search measures it."""

import pytest
import tensorflow as tf

from nao_tf.networks.latency import latency


def test_the_median_of_calls_in_inference_is_in_milliseconds():
  seen = []

  def network(batch, training):
    seen.append((tuple(batch.shape), batch.dtype, training))
    return tf.reduce_sum(batch), tf.zeros([])

  assert 0 < latency(network, (4, 4, 3), batch_size=2) < 1000
  assert latency(network, ()) > 0
  assert seen == [((2, 4, 4, 3), tf.float32, False), ((1, 1), tf.int32, False)]


def test_more_work_takes_longer():
  weights = tf.ones([600, 600])

  def network(times):
    def run(batch, training):
      del training
      for _ in range(times):
        batch = batch @ weights
      return batch

    return run

  assert latency(network(60), (600,), batch_size=64) > latency(network(1), (600,), batch_size=64)


def test_a_batch_has_examples():
  with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
    latency(lambda batch, training: batch, (2,), batch_size=0)
