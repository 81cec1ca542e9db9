"""What draws the architecture of each training step of a supernet, and may learn which ones are good."""

from collections.abc import Sequence
from typing import Any, Protocol

from nao_tf.trial import Architecture

TRAINING, LEARNING, CHOOSING = 0, 1, 2
"""Streams of random numbers: for training steps, for steps in which a sampler learns, and to choose architectures from."""


class ArchitectureSampler(Protocol):
  """A distribution of architectures that may learn from rewards.

  A draw is a function of its key, of the seed, and of what was learned before. So a training that is resumed draws what it
  would have drawn.
  """

  @property
  def state(self) -> dict[str, Any]:
    """What a checkpoint must hold of what was learned: trackable objects by name."""

  def sample(self, count: int, key: tuple[int, int]) -> list[Architecture]:
    """Returns draws.

    Args:
      count: how many.
      key: a stream of random numbers, and a number in it, such as that of the training step.
    """

  def update(self, architectures: Sequence[Architecture], rewards: Sequence[float]) -> None:
    """Learns from draws.

    Args:
      architectures: the draws.
      rewards: their rewards; higher is better.
    """

  def entropy(self, architectures: Sequence[Architecture]) -> float:
    """Returns the mean entropy of the decisions that lead to draws, summed up, in nats."""

  def probabilities(self, architectures: Sequence[Architecture]) -> list[list[float]]:
    """Returns the mean probabilities of the choices of each decision that leads to draws; nothing if it does not learn."""
