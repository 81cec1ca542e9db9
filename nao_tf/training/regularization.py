"""What happens to gradients before the optimizer gets them: the sum over replicas, weight decay, and a bound."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from nao_tf.training import optimizers
from nao_tf.training.config import TrainingConfig


class Regularization:
  """Sums the gradients of all replicas, adds weight decay, and clips their global norm."""

  def __init__(self, training_config: TrainingConfig, num_replicas: int):
    """Initializes the regularization.

    Args:
      training_config: defines weight decay and the maximum norm.
      num_replicas: number of replicas of the distribution.
    """
    decays_itself = optimizers.decays_weights_itself(training_config.optimizer)
    self._decay = 0.0 if decays_itself else training_config.weight_decay
    self._clip_norm, self._replicas = training_config.clip_norm, num_replicas

  def __call__(self, gradients: Sequence[tf.Tensor], weights: Sequence[Any]) -> list[tf.Tensor]:
    """Returns the share of the regularized gradients that one replica passes to the optimizer.

    The optimizer adds up what it gets from all replicas. Call this in the context of a replica.

    Args:
      gradients: gradients of the loss of the replica.
      weights: the tensors or variables that the gradients belong to.
    """
    sums = list(gradients)
    if self._replicas > 1:
      sums = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, sums)
    if self._decay:
      sums = [s + self._decay * tf.convert_to_tensor(w) for s, w in zip(sums, weights)]
    if self._clip_norm:
      sums, _ = tf.clip_by_global_norm(sums, self._clip_norm)
    return [s / self._replicas for s in sums] if self._replicas > 1 else sums
