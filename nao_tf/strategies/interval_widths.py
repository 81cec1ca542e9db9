"""Learns from earlier predictions of a search how wide its intervals must be.

A Gaussian process that chooses its own trials is too sure of itself. So the width of each interval is adapted: it grows
when a reward lay outside the interval that was given for it, and shrinks when it lay inside, so that in the long run the
intended fraction of rewards lies inside. Source: Gibbs and Candès, "Adaptive Conformal Inference Under Distribution
Shift", NeurIPS 2021, with the logarithm of the width in place of the level.
"""

from collections.abc import Iterable

from nao_tf.runs.predictions import Interval, Prediction
from nao_tf.strategies.adapted_factors import adapted_factor

_RATE = 0.2
"""A reward outside its interval multiplies the width by exp(0.2 * p), one inside by exp(-0.2 * (1 - p))."""
_NARROWEST, _WIDEST = 0.1, 10.0


def width_factors(outcomes: Iterable[tuple[float, Prediction]]) -> dict[float, float]:
  """Returns by how much the intervals of 50 % and of 90 % are to be widened.

  Args:
    outcomes: rewards with what was predicted for them, in the order of the trials.
  """
  outcomes = list(outcomes)
  intervals = {
    0.5: [(reward, prediction.interval_50) for reward, prediction in outcomes],
    0.9: [(reward, prediction.interval_90) for reward, prediction in outcomes],
  }
  return {probability: _factor(rows, probability) for probability, rows in intervals.items()}


def _factor(rows: Iterable[tuple[float, Interval | None]], probability: float) -> float:
  outside = (not interval[0] <= reward <= interval[1] for reward, interval in rows if interval is not None)
  return adapted_factor(outside, share=1 - probability, rate=_RATE, smallest=_NARROWEST, largest=_WIDEST)
