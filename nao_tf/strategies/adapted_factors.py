"""A factor that grows with each event and shrinks without, and stays where a given share of the cases are events.

It is stochastic approximation in the logarithm of the factor. With successes as events it is the one-fifth success rule of
evolution strategies, with rewards outside of an interval it is adaptive conformal inference.
"""

import math
from collections.abc import Iterable


def adapted_factor(events: Iterable[bool], *, share: float, rate: float, smallest: float, largest: float) -> float:
  """Returns the factor after a number of cases; 1 at the beginning.

  Args:
    events: whether each case was an event, in order.
    share: share of events that leaves the factor as it is.
    rate: an event multiplies the factor by exp(rate * (1 - share)), any other case by exp(-rate * share).
    smallest: lower bound of the factor.
    largest: upper bound of the factor.
  """
  factor = 1.0
  for is_event in events:
    factor = min(max(factor * math.exp(rate * (is_event - share)), smallest), largest)
  return factor
