"""Which architecture of a pool a training step takes: a function of the seed and the step."""

from collections.abc import Sequence

import numpy as np

from nao_tf.trial import Architecture


class Pool:
  """Architectures to train on.

  Attributes:
    architectures: the architectures.
  """

  def __init__(
    self, architectures: Sequence[Architecture], *, seed: int, weights: Sequence[float] | None = None
  ) -> None:
    """Sets up the pool.

    Args:
      architectures: at least one.
      seed: of the order.
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
