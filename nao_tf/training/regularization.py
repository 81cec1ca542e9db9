"""What a training step does to gradients before the optimizer sees them: their sum over replicas, decay, a bound."""

from collections.abc import Sequence

import tensorflow as tf

from nao_tf.training import optimizers
from nao_tf.training.config import TrainingConfig


class Regularization:
  """Adds up the gradients of all replicas, adds the decay of the weights, and bounds their common norm."""

  def __init__(self, config: TrainingConfig, num_replicas: int):
    """Args:
    config: has weight decay and bound.
    num_replicas: of the distribution strategy.
    """
    self._decay = 0.0 if optimizers.decays_weights_itself(config.optimizer) else config.weight_decay
    self._clip_norm, self._replicas = config.clip_norm, num_replicas

  def __call__(self, gradients: Sequence[tf.Tensor], weights: Sequence) -> list[tf.Tensor]:
    """Returns what one replica hands to the optimizer, which adds up what it gets from all of them: its share.

    To be called in a replica's context.

    Args:
      gradients: of the replica's loss.
      weights: what they are gradients of, tensors or variables.
    """
    gradients = list(gradients)
    if self._replicas > 1:
      gradients = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, gradients)
    if self._decay:
      gradients = [g + self._decay * tf.convert_to_tensor(w) for g, w in zip(gradients, weights)]
    if self._clip_norm:
      gradients, _ = tf.clip_by_global_norm(gradients, self._clip_norm)
    return [g / self._replicas for g in gradients] if self._replicas > 1 else gradients
