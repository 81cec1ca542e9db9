"""How well the predictor of a strategy ranked what it proposed."""

import dataclasses
from collections.abc import Sequence

from nao_tf.reports.record import Record


@dataclasses.dataclass(frozen=True)
class Ranking:
  """The proposals of one predictor.

  Attributes:
    asked_before: how many architectures had been asked for when the predictor was trained.
    ids: of the trials.
    predicted: their predicted scores.
    measured: their rewards.
    tau: Kendall's rank correlation (tau-b) of the two; None if one side is constant.
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
  groups: dict[int, list[tuple[int, float, float]]] = {}
  for trial in record.scored:
    prediction = record.predictions.get(trial.id)
    if prediction is not None and trial.reward is not None:
      groups.setdefault(prediction.asked_before, []).append((trial.id, prediction.score, trial.reward))
  return [_ranking(before, *zip(*rows)) for before, rows in sorted(groups.items())]


def _ranking(before: int, ids: Sequence[int], predicted: Sequence[float], measured: Sequence[float]) -> Ranking:
  return Ranking(before, ids, predicted, measured, kendall_tau(predicted, measured))
