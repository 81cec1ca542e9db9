"""All data that a report shows, read from the directory of a search."""

import dataclasses
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from nao_tf import fields
from nao_tf.objectives import Objectives, pareto_set_on_record, recorded_objectives
from nao_tf.reports.training_records import Training, read_trainings
from nao_tf.runs.embedding_maps import EmbeddingMap, read_embedding_maps
from nao_tf.runs.finalists import read_finalists
from nao_tf.runs.hints import Hints, read_hints
from nao_tf.runs.journal import TRIALS_FILE, Entry, trials_of
from nao_tf.runs.predictions import Prediction, read_predictions
from nao_tf.runs.settings import RunDirectoryError
from nao_tf.runs.shares import Shares, read_shares
from nao_tf.runs.starts import Start, read_starts
from nao_tf.spaces.base import SearchSpace
from nao_tf.trial import Trial, best_trial, winning_trial

Value = TypeVar("Value")


@dataclasses.dataclass(frozen=True)
class Record:
  """The recorded data of a search.

  Attributes:
    directory: directory of the search.
    settings: settings of the search, by name.
    space: the search space; None if it is not known here.
    trials: all trials by id.
    rounds: for each requested batch, the ids of its trials.
    finalists: trials that were evaluated again, with their ids in the search.
    predictions: predicted scores of trials, by id.
    starts: when the search was started, and with which versions.
    changed: when the journal was last written, in seconds since 1970.
    maps: maps of the embedding space of the strategy.
    shares: probabilities of choices in a one-shot search, by epoch.
    hints: how much the search used prior knowledge, each time that changed.
    trainings: trainings of the winner.
    objectives: the objectives of a multi-objective search; None for a search by reward alone.
    pareto_set: the non-dominated trials in a multi-objective search.
    problems: descriptions of files that could not be read and are left out.
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
  maps: Sequence[EmbeddingMap] = ()
  shares: Mapping[int, Sequence[Shares]] = dataclasses.field(default_factory=dict)
  hints: Sequence[Hints] = ()
  trainings: Sequence[Training] = ()
  objectives: Objectives | None = None
  pareto_set: Sequence[Trial] = ()
  problems: Sequence[str] = ()

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
    """The best finalist or trial of the Pareto set, else the best trial; None if no trial has a reward."""
    return best_trial(self.pareto_set) or best_trial(self.finalists) or winning_trial(self.trials)

  @property
  def rungs(self) -> Sequence[int]:
    """The epochs of each rung in a search with rungs; otherwise empty."""
    epochs = self.settings.get("rungs") or ()
    return epochs if all(fields.is_integer(number) for number in epochs) else ()

  def epochs_of(self, trial: Trial) -> int | None:
    """Returns the epochs of a trial at its latest started rung in a search with rungs; None in other searches."""
    return self.rungs[trial.rung] if trial.rung < len(self.rungs) else None

  def by_id(self) -> dict[int, Trial]:
    """Returns the trials by their ids."""
    return {trial.id: trial for trial in self.trials}

  def text_of(self, trial: Trial) -> str:
    """Formats an architecture with its space, or as numbers."""
    if self.space is None:
      return " ".join(map(str, trial.architecture))
    return self.space.format(trial.architecture)


def make_record(
  directory: str, settings: Mapping[str, Any], entries: Sequence[Entry], space: SearchSpace | None
) -> Record:
  """Builds the record of a search from its journal and the files next to it.

  Files other than the journal that cannot be read are left out and listed in `problems`.
  """
  trials = trials_of(entries)
  problems: list[str] = []

  def read(function: Callable[..., Value], default: Value, *arguments: Any) -> Value:
    try:
      return function(directory, *arguments)
    except (OSError, ValueError, RunDirectoryError) as error:
      problems.append(str(error))
      return default

  return Record(
    directory=directory,
    settings=settings,
    space=space,
    trials=trials,
    rounds=[[trial.id for trial in entry] for entry in entries if isinstance(entry, list)],
    finalists=read(read_finalists, [], trials),
    predictions=read(read_predictions, {}, trials),
    maps=read(read_embedding_maps, []),
    shares=read(read_shares, {}),
    hints=read(read_hints, []),
    trainings=read(read_trainings, []),
    starts=read(read_starts, []),
    objectives=read(lambda _: recorded_objectives(settings), None),
    pareto_set=read(lambda _: pareto_set_on_record(settings, trials), []),
    changed=os.path.getmtime(os.path.join(directory, TRIALS_FILE)),
    problems=problems,
  )
