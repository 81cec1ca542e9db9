"""What an evaluator is: it turns architectures into evaluations."""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, runtime_checkable

from nao_tf.training.base import Epoch
from nao_tf.trial import Architecture, Evaluation

REWARDS = ("last", "best")
"""The epochs whose validation result can be the reward of a training."""


class EvaluatorError(ValueError):
  """Raised when an evaluator does not do what the protocol says, or can evaluate nothing at all."""


class Evaluator(Protocol):
  """Evaluates architectures, several at a time because weight sharing needs to know them all before it trains."""

  def evaluate(self, architectures: Sequence[Architecture]) -> Iterable[Evaluation]:
    """Evaluates architectures.

    Args:
      architectures: valid architectures of the space of the evaluator.

    Returns:
      One evaluation for each architecture, in their order. An evaluator that evaluates one after the other yields each
      as soon as it is done, so that it can be recorded before the next begins. If an architecture cannot be evaluated,
      that is a failed evaluation; a search takes an exception as one, too.
    """


@runtime_checkable
class Watchable(Protocol):
  """What an evaluator has that trains, so that others can watch its trainings. An evaluator need not have it."""

  def watch(self, on_epoch: Callable[[Epoch], None]) -> None:
    """Calls a function from now on with each epoch of a training, as soon as it is over."""


def watch(evaluator: Evaluator, on_epoch: Callable[[Epoch], None]) -> None:
  """Watches the trainings of an evaluator, if it has some to watch."""
  if isinstance(evaluator, Watchable):
    evaluator.watch(on_epoch)
