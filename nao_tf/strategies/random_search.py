"""Random search, the baseline for all other strategies."""

from collections.abc import Iterable

import numpy as np

from nao_tf.strategies.base import Proposal, Strategy


class RandomSearch(Strategy):
  """Samples architectures uniformly from the valid ones, without repetition."""

  takes_objectives = True

  def propose(self, count: int, rng: np.random.Generator) -> Iterable[Proposal]:
    """Returns random new architectures; see `Strategy.propose`."""
    return self.random_proposals(rng)
