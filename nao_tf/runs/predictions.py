"""Predictions of scores before evaluation: `predictions.jsonl` next to the journal.

The file is optional: it is only used by reports, to show how well the predictor ranks.
"""

import math
import os
from collections.abc import Iterable
from typing import Any, NamedTuple

from nao_tf import fields
from nao_tf.runs.lines import read_lines
from nao_tf.runs.side_files import SideFile
from nao_tf.trial import Architecture, Trial

PREDICTIONS_FILE = "predictions.jsonl"
_Key = tuple[int, Architecture]
Interval = tuple[float, float]
"""The lowest and the highest reward that are expected."""


class Prediction(NamedTuple):
  """A predicted score.

  Attributes:
    score: predicted score; higher is better. Only scores of the same predictor are comparable.
    asked_before: number of architectures asked for before the predictor was trained, which identifies the predictor.
    interval_50: interval that contains the reward with probability 0.5; None if the predictor gives none.
    interval_90: interval that contains the reward with probability 0.9; None if the predictor gives none.
  """

  score: float
  asked_before: int
  interval_50: Interval | None = None
  interval_90: Interval | None = None

  def to_json(self) -> dict[str, Any]:
    """Returns the prediction as JSON values, the inverse of `from_json`. What is None is left out."""
    return {name: value for name, value in self._asdict().items() if value is not None}

  @classmethod
  def from_json(cls, data: Any) -> "Prediction":
    """Builds a prediction from what `to_json` returned. Other members are not looked at.

    Raises:
      ValueError: if `data` is something else; the message says what was expected.
    """
    row = fields.mapping(data, "a prediction")
    if not {"score", "asked_before"} <= row.keys():
      raise ValueError(f"expected a prediction with score and asked_before, got {fields.shown(data)}")
    return cls(
      fields.number(row["score"], "score"),
      fields.integer(row["asked_before"], "asked_before", 0),
      _interval(row.get("interval_50"), "interval_50"),
      _interval(row.get("interval_90"), "interval_90"),
    )


class Predictions:
  """The file of a search, open for writing. The caller holds the lock of the directory."""

  def __init__(self, directory: str):
    """Opens the file of a directory, or starts one. A damaged file is set aside with a warning; see `SideFile`."""
    self._file = SideFile(os.path.join(directory, PREDICTIONS_FILE), _parsed, "a prediction")
    self._known = {key for key, _ in self._file.rows}

  def add(self, trial: Trial, prediction: Prediction) -> None:
    """Records what was predicted for a trial, unless it is recorded or no finite number."""
    key = trial.id, trial.architecture
    if key not in self._known and math.isfinite(prediction.score):
      self._known.add(key)
      self._file.append({"id": trial.id, "architecture": list(trial.architecture), **prediction.to_json()})

  def close(self) -> None:
    """Closes the file."""
    self._file.close()


def read_predictions(directory: str, trials: Iterable[Trial]) -> dict[int, Prediction]:
  """Returns what was predicted for trials, by their ids; nothing if there is no file.

  Args:
    directory: directory of the search.
    trials: trials of the search. What is recorded about others is left out.

  Raises:
    ValueError: if the file is damaged; the message names the line.
  """
  path = os.path.join(directory, PREDICTIONS_FILE)
  if not os.path.exists(path):
    return {}
  known = {(trial.id, trial.architecture) for trial in trials}
  rows = read_lines(path, _parsed, "a prediction", allow_nan=False)
  return {key[0]: prediction for key, prediction in rows if key in known}


def _parsed(value: Any) -> tuple[_Key, Prediction]:
  required, optional = ("id", "architecture", "score", "asked_before"), ("interval_50", "interval_90")
  row = fields.members(value, "a prediction", required, optional)
  return (fields.integer(row["id"], "id", 0), fields.integers(row["architecture"], "architecture")), (
    Prediction.from_json(row)
  )


def _interval(value: Any, name: str) -> Interval | None:
  if value is None:
    return None
  low, high = (fields.number(end, name) for end in fields.elements(value, name, 2))
  return low, high
