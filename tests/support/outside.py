"""What a user writes outside the package: a space, a strategy with settings, an evaluator with settings.

Tests name them by place, such as `tests.support.outside:LongestFirst`.
"""

import dataclasses

from nao_tf.spaces.base import Decision, SearchSpace
from nao_tf.strategies.base import Strategy
from nao_tf.trial import Evaluation, Origin


class Bits(SearchSpace):
  """Six decisions of two choices each."""

  name = "bits"
  decisions = 6 * (Decision("bit", 2),)

  def decode(self, architecture):
    self.validate(architecture)
    return architecture


@dataclasses.dataclass(frozen=True)
class OrderConfig:
  """In which order to propose.

  Attributes:
    by: what comes first: "ones" or "zeros".
    skip: so many architectures are left out at the beginning.
  """

  by: str = "ones"
  skip: int = 0


class LongestFirst(Strategy):
  """Proposes the architectures of a small space in an order."""

  config_class = OrderConfig

  def __init__(self, space, *, seed=0, config=OrderConfig()):
    super().__init__(space, seed=seed)
    sign = -1 if config.by == "ones" else 1
    self._ordered = sorted(space.enumerate(), key=lambda architecture: sign * sum(architecture))[config.skip :]

  def propose(self, count, rng):
    return [(architecture, Origin("ordered")) for architecture in self._ordered]


@dataclasses.dataclass(frozen=True)
class CountConfig:
  """What is counted.

  Attributes:
    choice: the choice that counts.
  """

  choice: int = 1


class Counting:
  """The reward is the number of decisions with a choice."""

  config_class = CountConfig

  def __init__(self, space, config):
    self.space, self.config = space, config

  @classmethod
  def from_context(cls, context):
    return cls(context.space, context.config or CountConfig())

  def evaluate(self, architectures):
    for architecture in architectures:
      yield Evaluation(float(architecture.count(self.config.choice)))


def not_a_strategy():
  """Nothing of the kind."""
