"""All that a report shows, as it is on record in the directory of a search."""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from typing import Any

from nao_tf.runs.finalists import read_finalists
from nao_tf.runs.journal import TRIALS_FILE, Entry, trials_of
from nao_tf.runs.predictions import Prediction, read_predictions
from nao_tf.runs.starts import Start, read_starts
from nao_tf.spaces.base import SearchSpace
from nao_tf.trial import Trial, best_trial


@dataclasses.dataclass(frozen=True)
class Record:
  """What is on record about a search.

  Attributes:
    directory: of the search.
    settings: by name.
    space: what was searched; None if it is not known here.
    trials: all, by id.
    rounds: for each batch that was asked for, the ids of its trials.
    finalists: those that were evaluated again, with their ids in the search.
    predictions: what was predicted for trials, by id.
    starts: when the search was started, and with which versions.
    changed: when the journal was last written, seconds since 1970.
  """

  directory: str
  settings: Mapping[str, Any]
  space: SearchSpace | None
  trials: Sequence[Trial]
  rounds: Sequence[Sequence[int]]
  finalists: Sequence[Trial]
  predictions: Mapping[int, Prediction]
  starts: Sequence[Start]
  changed: float

  @property
  def scored(self) -> list[Trial]:
    """The trials that have a reward."""
    return [trial for trial in self.trials if trial.reward is not None]

  @property
  def failed(self) -> list[Trial]:
    """The trials that were evaluated and have no reward."""
    return [trial for trial in self.trials if trial.evaluation is not None and trial.reward is None]

  @property
  def best(self) -> Trial | None:
    """The best finalist, or else the best trial; None if there is no reward."""
    return best_trial(self.finalists) or best_trial(self.trials)

  def by_id(self) -> dict[int, Trial]:
    """Returns the trials by their ids."""
    return {trial.id: trial for trial in self.trials}

  def text_of(self, trial: Trial) -> str:
    """Returns an architecture as the space writes it, or as numbers."""
    if self.space is None:
      return " ".join(map(str, trial.architecture))
    return self.space.format(trial.architecture)


def make_record(
  directory: str, settings: Mapping[str, Any], entries: Sequence[Entry], space: SearchSpace | None
) -> Record:
  """Returns the record of a search from what its journal holds and what lies beside it.

  Raises:
    ValueError: if a file beside the journal is corrupt.
    RunDirectoryError: if the journal of the finalists is.
  """
  trials = trials_of(entries)
  return Record(
    directory=directory,
    settings=settings,
    space=space,
    trials=trials,
    rounds=[[trial.id for trial in entry] for entry in entries if isinstance(entry, list)],
    finalists=read_finalists(directory, trials),
    predictions=read_predictions(directory, trials),
    starts=read_starts(directory),
    changed=os.path.getmtime(os.path.join(directory, TRIALS_FILE)),
  )
