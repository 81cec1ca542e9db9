"""The evaluator of a search with rungs, which trains candidates up to a rung and resumes them later.

Its input is an architecture with the rung appended as one more number. So a promoted candidate is just another work
item for any executor, in any process.
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
  """An evaluator that can train a candidate for some of its epochs and resume the training later."""

  def check_epochs(self, epochs: Sequence[int]) -> None:
    """Checks that trainings can be paused after the given epochs.

    Args:
      epochs: numbers of epochs after which a training may be paused, ascending; the last is the length of a full
        training.

    Raises:
      ValueError: if they cannot; the message says what was expected.
    """

  def evaluate_until(self, architecture: Architecture, epochs: int) -> Evaluation:
    """Trains a candidate up to the given number of epochs and returns its evaluation.

    An earlier training of the candidate is resumed if its state is available; the result is the same in both cases.
    """


class RungEvaluator:
  """Evaluates architectures at rungs, with a resumable evaluator."""

  def __init__(self, evaluator: Evaluator, epochs: Sequence[int]):
    """Wraps an evaluator.

    Args:
      evaluator: an evaluator that implements `Resumable`.
      epochs: number of epochs of each rung, ascending.

    Raises:
      ValueError: if the evaluator does not support rungs, or not with these epochs.
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
    """Yields the evaluation of each architecture at the rung given by its last number."""
    for *architecture, rung in architectures:
      yield self._evaluator.evaluate_until(tuple(architecture), self._epochs[rung])


def remove_trainings(directory: str) -> None:
  """Deletes the state of paused trainings. Candidates promoted later are trained from scratch.

  Args:
    directory: directory of the search.
  """
  shutil.rmtree(os.path.join(directory, TRAININGS_DIRECTORY), ignore_errors=True)


def in_rungs(evaluator: Evaluator, epochs: Sequence[int]) -> Evaluator:
  """Wraps an evaluator for a search with rungs; returns it unchanged if there are none.

  Raises:
    ValueError: if the evaluator does not support rungs.
  """
  return RungEvaluator(evaluator, epochs) if epochs else evaluator
