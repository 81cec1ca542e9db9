"""All that a report shows, as it is recorded in the directory of a search."""

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
  """What is recorded about a search.

  Attributes:
    directory: directory of the search.
    settings: by name.
    space: what was searched; None if it is not known here.
    trials: all, by id.
    rounds: for each batch that was asked for, the ids of its trials.
    finalists: those that were evaluated again, with their ids in the search.
    predictions: what was predicted for trials, by id.
    starts: when the search was started, and with which versions.
    changed: when the journal was last written, seconds since 1970.
    maps: maps of the embedding space of the strategy.
    shares: probabilities of choices in a one-shot search, by epoch.
    hints: how far the search used what it was told beside its rewards, each time that it changed.
    trainings: trainings of the winner.
    objectives: what was searched for; None for the reward alone.
    pareto_set: the trials that no other one dominates, if there are objectives.
    problems: what could not be read beside the journal, and so is left out: texts.
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
    """The best finalist or of the Pareto set, or else the best trial; None if there is no reward."""
    return best_trial(self.pareto_set) or best_trial(self.finalists) or winning_trial(self.trials)

  @property
  def rungs(self) -> Sequence[int]:
    """Of a search with rungs: the epochs of each rung; otherwise empty."""
    epochs = self.settings.get("rungs") or ()
    return epochs if all(fields.is_integer(number) for number in epochs) else ()

  def epochs_of(self, trial: Trial) -> int | None:
    """Returns the epochs that a trial was trained in a search with rungs, as far as it has begun; None in another one."""
    return self.rungs[trial.rung] if trial.rung < len(self.rungs) else None

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

  What cannot be read beside the journal is left out, and `problems` says so.
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
