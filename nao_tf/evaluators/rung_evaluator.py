"""The evaluator of a search in rungs: it trains children up to a rung, and later on from there.

What it is given is an architecture with one more number, the rung. So a child that goes on is one more piece of work for
any executor, in any process.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, runtime_checkable

from nao_tf.evaluators.base import Evaluator, watch
from nao_tf.training.base import Epoch
from nao_tf.trial import Architecture, Evaluation

TRAININGS_DIRECTORY = "rungs"
"""The directory of the trainings that may go on, in that of the search; see `nao_tf.evaluators.stopped_trainings`."""


@runtime_checkable
class Resumable(Protocol):
  """What an evaluator has whose children can be trained a part of their epochs, and later on from there."""

  def check_epochs(self, epochs: Sequence[int]) -> None:
    """Checks that children can be trained in such parts.

    Args:
      epochs: after which a child may be stopped, ascending; the last number is that of a whole training.

    Raises:
      ValueError: if they cannot be; the message says what was expected.
    """

  def evaluate_until(self, architecture: Architecture, epochs: int) -> Evaluation:
    """Returns the evaluation of a child after so many epochs.

    It goes on from where the child was left, if that is known, and gives the same result if it is not.
    """


class RungEvaluator:
  """Evaluates architectures at rungs."""

  def __init__(self, evaluator: Evaluator, epochs: Sequence[int]):
    """Takes an evaluator.

    Args:
      evaluator: trains children in parts.
      epochs: of each rung, ascending.

    Raises:
      ValueError: if the evaluator cannot do that, or not with these epochs.
    """
    if not isinstance(evaluator, Resumable):
      raise ValueError(
        f"rungs need an evaluator that trains children in parts, with a method evaluate_until, such as training or"
        f" tabular; got {type(evaluator).__name__}"
      )
    evaluator.check_epochs(epochs)
    self._evaluator, self._inner, self._epochs = evaluator, evaluator, tuple(epochs)

  def watch(self, on_epoch: Callable[[Epoch], None]) -> None:
    """Watches the trainings; see `nao_tf.evaluators.base.Watchable`."""
    watch(self._inner, on_epoch)

  def evaluate(self, architectures: Sequence[Architecture]) -> Iterator[Evaluation]:
    """Yields the evaluation of each architecture at the rung that is its last number."""
    for *architecture, rung in architectures:
      yield self._evaluator.evaluate_until(tuple(architecture), self._epochs[rung])


def remove_trainings(directory: str) -> None:
  """Removes the trainings that may go on. Children that go on all the same are trained from the beginning.

  Args:
    directory: of the search.
  """
  shutil.rmtree(os.path.join(directory, TRAININGS_DIRECTORY), ignore_errors=True)


def in_rungs(evaluator: Evaluator, epochs: Sequence[int]) -> Evaluator:
  """Returns an evaluator as a search in rungs needs it; as it is if there are no rungs.

  Raises:
    ValueError: if it cannot train children in parts.
  """
  return RungEvaluator(evaluator, epochs) if epochs else evaluator
