"""Minibatches of validation examples by number, in an order of their own in each pass."""

from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from nao_tf.training.base import BatchProblem
from nao_tf.training.distribution import distributed

_SHUFFLED = 10_000
"""Examples that are shuffled at a time."""


class Minibatches:
  """The minibatches of all passes over the validation set. One that follows the last one is read without a search.

  All have the same size. So the examples that are left at the end of a pass are in none of it.
  """

  def __init__(self, task: BatchProblem, size: int, distribution: tf.distribute.Strategy, *, seed: int) -> None:
    """Initializes the minibatches.

    Args:
      task: whose validation examples they have.
      size: size of each, at least 1 and at most the number of examples.
      distribution: among whose replicas each is divided.
      seed: random seed of the order of the examples.

    Raises:
      ValueError: if the size is another one.
    """
    if not 1 <= size <= task.num_examples("valid"):
      raise ValueError(
        f"{task.name}: each replica needs a validation example per minibatch, but there are only"
        f" {task.num_examples('valid')} in all"
      )
    self._task, self._size, self._distribution, self._seed = task, size, distribution, seed
    self._num_examples = task.num_examples("valid")
    self._rest: Iterator[Any] = iter(())
    self._number, self._last = -1, None

  def __getitem__(self, number: int) -> Any:
    """Returns inputs, targets and weights of a minibatch."""
    if number == self._number:
      return self._last
    pass_, place = divmod(number, self._num_examples // self._size)
    if place == 0 or number != self._number + 1:
      self._rest = self._opened(pass_, place)
    self._number, self._last = number, next(self._rest)
    return self._last

  def _opened(self, pass_: int, place: int) -> Iterator[Any]:
    """Returns the minibatches of a pass from a place on."""
    data = self._task.evaluation_batches("valid", self._size).unbatch().filter(lambda x, y, weight: weight > 0)
    data = data.take(self._num_examples).shuffle(min(self._num_examples, _SHUFFLED), seed=self._seed + pass_)
    data = data.batch(self._size, drop_remainder=True).skip(place)
    return iter(distributed(data, self._distribution))
