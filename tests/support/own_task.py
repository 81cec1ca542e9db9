"""A task as a user writes it: data, losses and scores, and nothing else."""

import functools

import tensorflow as tf

from nao_tf.networks.image_network import ImageNetworkConfig
from nao_tf.spaces.genotypes import CellGenotype
from nao_tf.tasks.base import BatchTask, Configs
from nao_tf.training.config import TrainingConfig

_SIZES = {"train": 64, "valid": 32, "test": 32}


class BrightCorners(BatchTask):
  """Says which of three channels is bright in the corner of an image; judged by the mean error of the probabilities."""

  kind = "images"
  space = "nasnet5"
  reward_metric = "closeness"
  genotypes = (CellGenotype,)
  child = Configs(ImageNetworkConfig(1, 4, auxiliary=False), TrainingConfig(epochs=1, batch_size=16))
  final = child
  input_shape = (8, 8, 3)
  num_outputs = 3

  def __init__(self, name="bright_corners", *, data_dir=None, download=False, contrast=2.0):
    del data_dir, download
    self.name, self.contrast = name, contrast

  def num_examples(self, split):
    return _SIZES[split]

  def training_batches(self, training_config, *, seed, first_epoch=0):
    examples, size = self._examples("train"), training_config.batch_size
    numbers = range(first_epoch, training_config.epochs)
    return functools.reduce(
      tf.data.Dataset.concatenate, [examples.shuffle(64, seed=1 + seed + number).batch(size) for number in numbers]
    )

  def evaluation_batches(self, split, batch_size):
    batches = self._examples(split).repeat().batch(batch_size)
    starts = tf.data.Dataset.range(0, _SIZES[split], batch_size)
    weights = starts.map(
      lambda start: tf.cast(start + tf.range(batch_size, dtype=tf.int64) < _SIZES[split], tf.float32)
    )
    return tf.data.Dataset.zip((batches, weights)).map(lambda batch, weight: (*batch, weight))

  def losses(self, network, inputs, targets, step, training_config):
    logits = network(inputs, training=True, step=step)
    return tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)

  def scores(self, network, inputs, targets):
    probabilities = tf.nn.softmax(network(inputs, training=False))
    return {"closeness": tf.gather(probabilities, targets, batch_dims=1)}

  def _examples(self, split):
    first = list(_SIZES).index(split) * 1000

    def example(number):
      channel = tf.cast(number % 3, tf.int32)
      noise = tf.random.stateless_normal([8, 8, 3], [number, 0])
      corner = tf.pad(tf.ones([4, 4]), [[0, 4], [0, 4]])[..., tf.newaxis]
      return noise + self.contrast * corner * tf.one_hot(channel, 3), channel

    return tf.data.Dataset.range(first, first + _SIZES[split]).map(example)


class NoBatches(BrightCorners):
  """A task with too few examples for a batch."""

  def num_examples(self, split):
    return 3
