"""What an evaluator is: something that turns architectures into evaluations."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from nao_tf.trial import Architecture, Evaluation


class Evaluator(Protocol):
  """Evaluates architectures, a batch at a time because weight sharing needs to see the pool."""

  def evaluate(self, architectures: Sequence[Architecture]) -> Iterable[Evaluation]:
    """Evaluates architectures.

    Args:
      architectures: valid ones of the evaluator's space.

    Returns:
      One evaluation for each, in their order. An evaluator that finishes one after the other yields them as they
      come, so that each is on record before the next begins. What goes wrong with one architecture is a failed
      evaluation and not an exception.
    """
