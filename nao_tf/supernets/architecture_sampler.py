"""Samplers, which select the architecture of each training step of a supernet and may learn from rewards."""

from collections.abc import Sequence
from typing import Any, Protocol

from nao_tf.trial import Architecture

TRAINING, LEARNING, CHOOSING = 0, 1, 2
"""Streams of random numbers: for training steps, for steps in which a sampler learns, and to choose architectures from."""


class ArchitectureSampler(Protocol):
  """A distribution over architectures that may learn from rewards.

  A sample is a function of its key, of the seed, and of what was learned before, so a resumed training draws the same
  samples.
  """

  @property
  def state(self) -> dict[str, Any]:
    """The checkpointed state: trackable objects by name."""

  def sample(self, count: int, key: tuple[int, int]) -> list[Architecture]:
    """Samples architectures.

    Args:
      count: number of samples.
      key: a random stream, and a number within it, such as the training step.
    """

  def update(self, architectures: Sequence[Architecture], rewards: Sequence[float]) -> None:
    """Learns from samples.

    Args:
      architectures: the samples.
      rewards: their rewards; higher is better.
    """

  def entropy(self, architectures: Sequence[Architecture]) -> float:
    """Returns the mean total entropy of the decisions of samples, in nats."""

  def probabilities(self, architectures: Sequence[Architecture]) -> list[list[float]]:
    """Returns the mean probabilities of the choices of each decision of samples; nothing if the sampler does not learn."""
