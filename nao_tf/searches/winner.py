"""The winner of a search: the finalists, their evaluation at a higher cost, and the description of the best.

`best.json` in the directory of the search describes the winner; `rerank` is the run directory of the finalists.
"""

import contextlib
import math
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nao_tf.evaluators.base import Evaluator
from nao_tf.reports import write_report
from nao_tf.runs.finalists import RERANK_DIRECTORY, with_ids_of
from nao_tf.runs.journal import Journal
from nao_tf.runs.json_files import write_json
from nao_tf.searches.executors import Executor
from nao_tf.searches.loop import TRIAL_RETRIES
from nao_tf.searches.reranking import rerank
from nao_tf.searches.watchers import Watchers
from nao_tf.spaces.base import SearchSpace
from nao_tf.trial import Architecture, Trial, top_trials

BEST_FILE = "best.json"
_RESCORED_PER_FINALIST = 10

Rescore = Callable[[Sequence[Architecture]], Sequence[float]]
"""Returns a new score of each architecture, NaN for one that has none."""

OpenWatchers = Callable[[Journal], contextlib.AbstractContextManager[Watchers]]
"""Opens those who watch the trials of a journal, for as long as a context lasts."""


def finalists(trials: Sequence[Trial], count: int, *, rescore: Rescore | None = None) -> list[Trial]:
  """Returns the trials to evaluate again at a higher cost: those with the highest rewards.

  Args:
    trials: trials of the search.
    count: number of finalists.
    rescore: function that rescores architectures. If given, ten times as many trials are rescored, and the best of
      these are the finalists. It is meant for rewards obtained during the training of shared weights, since early
      scores are unreliable.
  """
  if rescore is None:
    return top_trials(trials, count)
  best = top_trials(trials, count * _RESCORED_PER_FINALIST)
  rescored = list(zip(best, rescore([trial.architecture for trial in best]), strict=True))
  rescored.sort(key=lambda pair: math.inf if math.isnan(pair[1]) else -pair[1])
  return [trial for trial, _ in rescored[:count]]


def evaluate_finalists(
  candidates: Sequence[Trial],
  trials: Sequence[Trial],
  space: SearchSpace,
  evaluator: Evaluator | Executor,
  directory: str,
  settings: Mapping[str, Any],
  *,
  trial_retries: int = TRIAL_RETRIES,
  on_trial: Callable[[Trial], None] = lambda trial: None,
  watched: OpenWatchers = lambda journal: contextlib.nullcontext(Watchers()),
) -> Trial | None:
  """Evaluates finalists again, in a run directory of their own, and adds them to the report of the search.

  Args:
    candidates: the finalists.
    trials: all trials of the search.
    space: what was searched.
    evaluator: evaluates them; or an executor.
    directory: directory of the search.
    settings: the settings that determine the new evaluations, as JSON values.
    trial_retries: see `run_search`.
    on_trial: called with each new trial that closes, including recorded ones.
    watched: opens others who watch the new trials, including recorded ones, for as long as a context lasts. It is
      given the journal of the new trials.

  Returns:
    The best of the new trials, with the id that its architecture has in the search; None if none succeeded.

  Raises:
    RunDirectoryError: if the finalists were evaluated with other settings before.
    ValueError: if there are no candidates.
  """
  with Journal(os.path.join(directory, RERANK_DIRECTORY), settings) as journal, watched(journal) as watching:
    best = rerank(
      candidates,
      space,
      evaluator,
      journal,
      trial_retries=trial_retries,
      on_trial=Watchers([watching], [on_trial]).on_trial,
      on_epoch=watching.on_epoch,
    )
    write_report(directory, space)
  return with_ids_of(trials, [best])[0] if best else None


def describe(trial: Trial, space: SearchSpace) -> dict[str, Any]:
  """Returns what `best.json` holds about a trial, as JSON values."""
  genotype = space.decode(trial.architecture)
  metrics = dict(trial.evaluation.metrics) if trial.evaluation else {}
  return {
    "trial": trial.id,
    "origin": str(trial.origin),
    "space": space.name,
    "architecture": space.format(trial.architecture),
    "genotype": genotype.to_json() if hasattr(genotype, "to_json") else str(genotype),
    "reward": trial.reward,
    "parameters": metrics.get("parameters"),
    "metrics": metrics,
    **({"objectives": dict(trial.evaluation.objectives)} if trial.evaluation and trial.evaluation.objectives else {}),
  }


def write_winner(directory: str, trial: Trial, space: SearchSpace, pareto_set: Sequence[Trial] = ()) -> None:
  """Writes `best.json`: the winner and, in a multi-objective search, under `pareto_set` all that none dominates."""
  others = {"pareto_set": [describe(member, space) for member in pareto_set]} if pareto_set else {}
  write_json(os.path.join(directory, BEST_FILE), {**describe(trial, space), **others})
