"""The architecture parameters of a relaxed network: the variable, how mixtures are made of it, and how it is trained."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow import keras

from nao_tf.supernets.relaxed import mixtures
from nao_tf.supernets.relaxed.config import RelaxedConfig
from nao_tf.training.loss_scale import LossScale, NoLossScale


class Strengths:
  """The architecture parameters of all operations on all edges, with Adam, which changes them.

  Attributes:
    variable: the architecture parameters; their last axis is that of the operations.
    config: how they are trained.
  """

  def __init__(
    self, shape: Sequence[int], config: RelaxedConfig, *, distribution: tf.distribute.Strategy, seed: int
  ) -> None:
    """Creates the variables. Call it in the scope of the distribution.

    Args:
      shape: shape of the architecture parameters.
      config: how they are trained.
      distribution: the `tf.distribute.Strategy` of the process.
      seed: random seed of their initial values and of samples.
    """
    self.config, self._seed, self._replicas = config, seed, distribution.num_replicas_in_sync
    initial = np.random.default_rng(seed).normal(size=tuple(shape)) * config.initial_deviation
    self.variable = tf.Variable(initial.astype(np.float32), trainable=True, name="strengths")
    self._optimizer = keras.optimizers.Adam(
      config.parameter_learning_rate, config.parameter_beta_1, config.parameter_beta_2
    )
    self._optimizer.build([self.variable])
    self._temperature = tf.Variable(config.temperature, dtype=tf.float32, trainable=False)

  @property
  def state(self) -> dict[str, Any]:
    """What a checkpoint must hold."""
    return {"strengths": self.variable, "parameter_optimizer": self._optimizer}

  def start_epoch(self, number: int, epochs: int) -> float:
    """Sets the temperature of an epoch, counted from 0, and returns it."""
    temperature = self.config.temperature_in(number, epochs)
    self._temperature.assign(temperature)
    return temperature

  def mixture(self, values: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
    """Returns the weights of a mixture in training.

    Args:
      values: values of the architecture parameters.
      step: number of the step, which samples are a function of.
    """
    if self.config.mixture == "softmax":
      return mixtures.softmax_mixture(values)
    draw = mixtures.concrete_mixture if self.config.mixture == "concrete" else mixtures.one_hot_mixture
    return draw(values, self._temperature, tf.stack([tf.constant(self._seed, tf.int64), tf.cast(step, tf.int64)]))

  def mixture_of_evaluations(self) -> tf.Tensor:
    """Returns the mixture that a network is evaluated with.

    It is the softmax if the network is trained with that, and the most likely operation of each edge if it is trained
    with
    samples: it has never seen the softmax then.
    """
    values = tf.convert_to_tensor(self.variable)
    return mixtures.softmax_mixture(values) if self.config.mixture == "softmax" else mixtures.likeliest_mixture(values)

  def apply(self, gradient: tf.Tensor, loss_scale: LossScale | NoLossScale) -> tf.Tensor:
    """Lets Adam change the architecture parameters; it adds up what it gets from all replicas.

    Args:
      gradient: summed over the replicas, no longer scaled.
      loss_scale: what the loss was scaled with. If it was, a gradient that is not finite changes nothing.

    Returns:
      Whether the architecture parameters were changed.
    """
    gradient += self.config.parameter_weight_decay * tf.convert_to_tensor(self.variable)
    return loss_scale.apply(self._optimizer, [gradient / self._replicas], [self.variable])


def summed(gradients: Sequence[tf.Tensor], num_replicas: int) -> list[tf.Tensor]:
  """Returns gradients, summed over the replicas. Call it in the context of a replica."""
  if num_replicas == 1:
    return list(gradients)
  return list(tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, list(gradients)))
