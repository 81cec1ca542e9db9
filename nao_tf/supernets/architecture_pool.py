"""Selects the architecture of each training step from a pool, as a function of the seed and the step."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from nao_tf.supernets.architecture_sampler import TRAINING
from nao_tf.trial import Architecture


class Pool:
  """Architectures to train on; an `ArchitectureSampler` that does not learn.

  Attributes:
    architectures: the architectures.
  """

  def __init__(
    self, architectures: Sequence[Architecture], *, seed: int, weights: Sequence[float] | None = None
  ) -> None:
    """Initializes the pool.

    Args:
      architectures: at least one.
      seed: random seed of the order.
      weights: how often each is drawn, in proportion. None draws all equally often: each once before any comes again.

    Raises:
      ValueError: if there is no architecture.
    """
    if not architectures:
      raise ValueError("a pool needs at least one architecture")
    self.architectures, self._seed = list(architectures), seed
    self._shares = None if weights is None else np.asarray(weights, np.float64) / np.sum(weights)
    self._cycle, self._order = -1, np.zeros(0, np.int64)

  def architecture(self, step: int) -> Architecture:
    """Returns the architecture of a training step."""
    if self._shares is not None:
      return self.architectures[np.random.default_rng([self._seed, step]).choice(len(self._shares), p=self._shares)]
    cycle, place = divmod(step, len(self.architectures))
    if cycle != self._cycle:
      self._cycle = cycle
      self._order = np.random.default_rng([self._seed, cycle]).permutation(len(self.architectures))
    return self.architectures[self._order[place]]

  @property
  def state(self) -> dict[str, Any]:
    """Nothing: it does not learn."""
    return {}

  def sample(self, count: int, key: tuple[int, int]) -> list[Architecture]:
    """Returns draws: those of consecutive training steps, or random ones; see `ArchitectureSampler.sample`."""
    stream, number = key
    if stream == TRAINING:
      return [self.architecture(step) for step in range(number, number + count)]
    places = np.random.default_rng([self._seed, *key]).choice(len(self.architectures), count, p=self._shares)
    return [self.architectures[place] for place in places]

  def update(self, architectures: Sequence[Architecture], rewards: Sequence[float]) -> None:
    """Does nothing."""

  def entropy(self, architectures: Sequence[Architecture]) -> float:
    """Returns the entropy of a draw, in nats."""
    del architectures
    if self._shares is None:
      return float(np.log(len(self.architectures)))
    shares = self._shares[self._shares > 0]
    return float(-np.sum(shares * np.log(shares)))

  def probabilities(self, architectures: Sequence[Architecture]) -> list[list[float]]:
    """Returns nothing: it does not learn."""
    del architectures
    return []
