"""The evaluator protocol: an evaluator turns architectures into evaluations."""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, runtime_checkable

from nao_tf.training.base import Epoch
from nao_tf.trial import Architecture, Evaluation

REWARDS = ("last", "best")
"""Which epoch's validation result is the reward of a training: that of the last or of the best one."""


class EvaluatorError(ValueError):
  """Raised when an evaluator violates its protocol or cannot evaluate anything at all."""


class Evaluator(Protocol):
  """Evaluates architectures in batches, since weight sharing needs to know all of them before it trains."""

  def evaluate(self, architectures: Sequence[Architecture]) -> Iterable[Evaluation]:
    """Evaluates a batch of architectures.

    Args:
      architectures: valid architectures of the evaluator's search space.

    Returns:
      One evaluation per architecture, in the same order. An evaluator that works sequentially should yield each
      evaluation as soon as it is done, so that it is recorded before the next one starts. An architecture that cannot
      be evaluated gets a failed evaluation; a search treats an exception in the same way.
    """


@runtime_checkable
class Watchable(Protocol):
  """An evaluator whose trainings can be watched. Implementing this protocol is optional."""

  def watch(self, on_epoch: Callable[[Epoch], None]) -> None:
    """Registers a function that is called with each training epoch as soon as it ends."""


def watch(evaluator: Evaluator, on_epoch: Callable[[Epoch], None]) -> None:
  """Watches the trainings of an evaluator, if it supports that."""
  if isinstance(evaluator, Watchable):
    evaluator.watch(on_epoch)
