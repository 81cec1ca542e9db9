"""How well the predictor of a strategy ranked its proposals."""

import dataclasses
from collections.abc import Sequence

from nao_tf.reports.record import Record

_Row = tuple[int, float, float]


_FEW, _POOLED = 2, 10
"""Predictors that made less than so many proposals each are looked at together, until there are so many proposals."""


@dataclasses.dataclass(frozen=True)
class Ranking:
  """The proposals of one predictor, or of several successive ones with a single proposal each.

  Attributes:
    asked_before: number of architectures asked for before the (first) predictor was trained.
    ids: ids of the trials.
    predicted: their predicted scores.
    measured: their rewards.
    tau: Kendall's rank correlation (tau-b) of the two; None if either is constant.
  """

  asked_before: int
  ids: Sequence[int]
  predicted: Sequence[float]
  measured: Sequence[float]
  tau: float | None


def kendall_tau(xs: Sequence[float], ys: Sequence[float]) -> float | None:
  """Returns Kendall's rank correlation (tau-b) of two rows of numbers; None if one of them is constant."""
  if len(set(xs)) < 2 or len(set(ys)) < 2:
    return None
  import scipy.stats  # Commands that only read their flags do not wait for it.

  return float(scipy.stats.kendalltau(xs, ys).statistic)


def rankings(record: Record) -> list[Ranking]:
  """Returns, for each predictor, what it said about the trials that have a reward since."""
  groups: dict[int, list[_Row]] = {}
  for trial in record.scored:
    prediction = record.predictions.get(trial.id)
    if prediction is not None and trial.reward is not None:
      groups.setdefault(prediction.asked_before, []).append((trial.id, prediction.score, trial.reward))
  return [_ranking(before, *zip(*rows)) for before, rows in _pooled(sorted(groups.items()))]


def _pooled(groups: Sequence[tuple[int, list[_Row]]]) -> list[tuple[int, list[_Row]]]:
  """Returns the groups, where small ones that follow one another are put together."""
  pooled: list[tuple[int, list[_Row]]] = []
  is_open = False
  for before, rows in groups:
    if is_open and len(rows) < _FEW and len(pooled[-1][1]) < _POOLED:
      pooled[-1][1].extend(rows)
    else:
      pooled.append((before, list(rows)))
    is_open = len(rows) < _FEW
  return pooled


def _ranking(before: int, ids: Sequence[int], predicted: Sequence[float], measured: Sequence[float]) -> Ranking:
  return Ranking(before, ids, predicted, measured, kendall_tau(predicted, measured))
