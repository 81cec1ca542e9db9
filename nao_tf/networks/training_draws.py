"""What an image network draws at random in training: drop-path, with its schedule, and the seed of dropout."""

import tensorflow as tf
from tensorflow import keras

from nao_tf.networks.cell import drop_path_masks
from nao_tf.training.micro_batches import draw_number


class TrainingDraws:
  """Draws that are functions of the seed of the network, the training step and the replica."""

  def __init__(self, drop_path_keep: float, drop_path_steps: int, num_cells: int, seed: int) -> None:
    """Fixes the schedule.

    Args:
      drop_path_keep: probability to keep a branch of the last cell, at the end of the schedule.
      drop_path_steps: training steps over which the rate grows linearly to that; 0: it is there at once.
      num_cells: number of cells of the network.
      seed: random seed of all draws.
    """
    self._keep, self._steps, self._num_cells, self._seed = drop_path_keep, drop_path_steps, num_cells, seed

  def masks(
    self, index: int, num_branches: int, batch_size: tf.Tensor | int, step: tf.Tensor | int
  ) -> tf.Tensor | None:
    """Draws drop-path for one cell: keep = 1 - (step / steps) * (index + 1) / num_cells * (1 - drop_path_keep).

    Args:
      index: index of the cell.
      num_branches: number of branches of the cell.
      batch_size: B.
      step: number of the training step.

    Returns:
      Factors [num_branches, B, 1, 1, 1]; None if nothing is ever dropped.
    """
    if self._keep == 1.0:
      return None
    progress = tf.minimum(1.0, tf.cast(step, tf.float32) / self._steps) if self._steps else 1.0
    keep = 1.0 - progress * (index + 1) / self._num_cells * (1.0 - self._keep)
    masks = drop_path_masks(num_branches, batch_size, keep, self._pair(index, step))
    return tf.cast(masks, keras.backend.floatx())

  def dropout_seed(self, step: tf.Tensor | int) -> tf.Tensor:
    """Returns the two integers that dropout before the classifier is a function of."""
    return self._pair(self._num_cells, step)

  def _pair(self, index: int, step: tf.Tensor | int) -> tf.Tensor:
    """Returns the two integers of a random draw: one of its place in the network, one of the call."""
    return tf.stack([self._seed + index, draw_number(step)])
