"""Whether a predictor knows how far it can be trusted: how often rewards lay within the intervals that it gave."""

import dataclasses

from nao_tf.reports.record import Record
from nao_tf.runs.predictions import Interval


@dataclasses.dataclass(frozen=True)
class Calibration:
  """How often rewards lay within intervals that were given before.

  Attributes:
    count: number of trials with intervals and a reward.
    within_50: fraction of them within the interval of 50 %.
    within_90: fraction of them within the interval of 90 %.
  """

  count: int
  within_50: float
  within_90: float

  def __str__(self) -> str:
    return (
      f"Of {self.count:,} rewards, {self.within_50:.0%} lie within the 50% prediction interval and"
      f" {self.within_90:.0%} within the 90% prediction interval."
    )


def calibration(record: Record) -> Calibration | None:
  """Returns how often rewards of a search lay within intervals; None if there were no intervals."""
  rows = [
    (trial.reward, prediction.interval_50, prediction.interval_90)
    for trial in record.scored
    if trial.reward is not None and (prediction := record.predictions.get(trial.id)) is not None
  ]
  within = [(_holds(half, reward), _holds(most, reward)) for reward, half, most in rows if half and most]
  if not within:
    return None
  halves, nearly_all = zip(*within)
  return Calibration(len(within), sum(halves) / len(within), sum(nearly_all) / len(within))


def _holds(interval: Interval, reward: float) -> bool:
  low, high = interval
  return low <= reward <= high
