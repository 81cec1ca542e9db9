"""Datasets whose iterators end at once.

TensorFlow tunes the parallelism of a dataset in a thread of its own, which sleeps most of the time: longer and longer, up to
a minute. Where an iterator is deleted, it wakes the thread and waits for its end. In TensorFlow 2.15 to 2.21 the thread may
wake too early to see that it shall end, and then sleeps on. On two cores one iterator of five to ten is deleted only after
about as long as it has lived.
"""

import tensorflow as tf


def with_fixed_parallelism(dataset: tf.data.Dataset) -> tf.data.Dataset:
  """Returns the same dataset, whose parallelism is not tuned while it is read.

  What is `tf.data.AUTOTUNE` in it has as many calls at a time as there are cores, 16 at the most.

  Args:
    dataset: to be read by a new iterator.
  """
  options = tf.data.Options()
  options.autotune.enabled = False
  return dataset.with_options(options)
