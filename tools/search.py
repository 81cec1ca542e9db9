"""Searches an architecture: a space, a strategy, an evaluator and a budget.

Example:
  nao-search --task=digits --space=nasnet5 --strategy=nao --num_trials=40 --workdir=runs/digits --train_best

Killed and started again with the same flags, it goes on where it was. The work directory gets trials.jsonl (the journal),
config.json (the settings), best.json and report.html, and with --train_best the directory best with the trained network.
With --evaluator=shared_weights it gets shared_weights (the supernet), and with --rerank the directory rerank, a journal of
the best architectures trained from scratch.
"""

import dataclasses
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tqdm
from absl import flags

from nao_tf.evaluators import evaluator_class
from nao_tf.evaluators.base import Evaluator
from nao_tf.evaluators.shared_weights_evaluator import SharedWeightsEvaluator
from nao_tf.runs.journal import Journal
from nao_tf.runs.report import write_report
from nao_tf.runs.settings import write_json
from nao_tf.search.loop import run_search
from nao_tf.search.reranking import rerank
from nao_tf.spaces import make_space
from nao_tf.spaces.base import SearchSpace
from nao_tf.spaces.genotypes import Genotype
from nao_tf.strategies import make_strategy
from nao_tf.strategies.base import Strategy, top_trials
from nao_tf.tables import read_table
from nao_tf.tasks.base import Setup
from nao_tf.tools import experiment, flagging, search_flags, shared_flags, strategy_flags, train
from nao_tf.trial import Trial, best_trial

BEST_FILE = "best.json"
BEST_DIRECTORY = "best"
SHARED_DIRECTORY = "shared_weights"
RERANK_DIRECTORY = "rerank"
# Of how many times as many trials as are trained from scratch scores are taken again.
_SCORED_AGAIN = 10


def define_flags(flag_values: flags.FlagValues) -> None:
  """Defines the flags of a search."""
  search_flags.define(flag_values)
  define = {"flag_values": flag_values}
  flags.DEFINE_enum("evaluator", "training", sorted(_EVALUATORS), "how to evaluate an architecture", **define)
  flags.DEFINE_string("table", None, "table file of --evaluator=tabular", **define)
  flags.DEFINE_integer("batch_size", 8, "architectures to ask the strategy for at a time", lower_bound=1, **define)
  flags.DEFINE_integer(
    "first_batch_size", None, "architectures to ask for the first time; default: batch_size", lower_bound=1, **define
  )
  shared_flags.define(flag_values)
  flags.DEFINE_integer(
    "rerank",
    0,
    "of the best by --evaluator=shared_weights, train so many from scratch as children, and take the best of these",
    lower_bound=0,
    **define,
  )
  flags.DEFINE_enum("reward", "last", ["last", "best"], "the epoch whose validation figure is the reward", **define)
  flags.DEFINE_boolean("train_best", False, "go on to train the best architecture and export it", **define)
  experiment.define_setup_flags(flag_values, "child", prefix="best_", unset="as for children")
  flags.DEFINE_float(
    "best_validation_fraction", None, "images held out when the best is trained; default: none", 0.0, 1.0, **define
  )


def main(flag_values: flags.FlagValues) -> int:
  """Searches; returns the exit code."""
  if flag_values.rerank and flag_values.evaluator != "shared_weights":
    raise ValueError(f"--rerank needs --evaluator=shared_weights, got {flag_values.evaluator}")
  winner = experiment.setup_of(flag_values, search_flags.children(flag_values), prefix="best_")
  experiment.check_workdir(flag_values.workdir)
  distribution = experiment.prepare_process(flag_values)
  space = make_space(flag_values.space)
  strategy = search_strategy(flag_values, space)
  with Journal(flag_values.workdir, search_settings(flag_values)) as journal:
    evaluator = _EVALUATORS[flag_values.evaluator](flag_values, space, distribution)
    reranker = training_evaluator(flag_values, space, distribution) if flag_values.rerank else None
    best = search(flag_values, strategy, evaluator, journal)
    write_report(flag_values.workdir, journal.trials, space)
    if best is not None and reranker is not None:
      best = rerank_best(
        flag_values, space, finalists(flag_values, evaluator, journal.trials), reranker, journal.trials
      )
  if best is None:
    print(f"none of {flag_values.num_trials} trials has a reward; see {flag_values.workdir}")
    return 1
  write_json(os.path.join(flag_values.workdir, BEST_FILE), describe(best, space))
  print(f"best: trial {best.id}, reward {best.reward:.4f}, {best.origin}: {space.format(best.architecture)}")
  if flag_values.train_best:
    train_best(flag_values, space.decode(best.architecture), winner, distribution)
  return 0


def search_strategy(flag_values: flags.FlagValues, space: SearchSpace) -> Strategy:
  """Returns the strategy that the flags describe."""
  name = flag_values.strategy
  return make_strategy(name, space, seed=flag_values.seed, **strategy_flags.options(name, flag_values))


def training_evaluator(
  flag_values: flags.FlagValues, space: SearchSpace, distribution: tf.distribute.Strategy
) -> Evaluator:
  """Returns the evaluator that trains children on the task that the flags name."""
  setup = search_flags.children(flag_values)
  return evaluator_class("training")(
    experiment.task_of(flag_values),
    space,
    setup.network,
    setup.recipe,
    distribution=distribution,
    seed=flag_values.seed,
    max_parameters=flag_values.max_parameters,
    reward=flag_values.reward,
  )


def shared_weights_evaluator(
  flag_values: flags.FlagValues, space: SearchSpace, distribution: tf.distribute.Strategy
) -> Evaluator:
  """Returns the evaluator that scores architectures with shared weights, kept in the work directory."""
  setup = shared_flags.setup(flag_values)
  _check_one_size(flag_values, setup)
  return evaluator_class("shared_weights")(
    experiment.task_of(flag_values),
    space,
    setup.network,
    setup.recipe,
    shared_flags.sharing(flag_values),
    directory=os.path.join(flag_values.workdir, SHARED_DIRECTORY),
    distribution=distribution,
    seed=flag_values.seed,
    max_parameters=flag_values.max_parameters,
    progress=True,
  )


def _check_one_size(flag_values: flags.FlagValues, shared: Setup) -> None:
  """Refuses a bound on parameters if the networks of the supernet are not those of the children."""
  ours, theirs = (dataclasses.asdict(setup.network) for setup in (shared, search_flags.children(flag_values)))
  differing = [f"{name} {ours[name]} and {theirs[name]}" for name in ours if ours[name] != theirs[name]]
  if flag_values.max_parameters is not None and differing:
    raise ValueError(
      "--max_parameters bounds the networks of the supernet and the children alike, so with --evaluator=shared_weights"
      f" the --shared_ flags must say the same of a network as the --child_ flags; got {', '.join(differing)}"
    )


def tabular_evaluator(
  flag_values: flags.FlagValues, space: SearchSpace, distribution: tf.distribute.Strategy
) -> Evaluator:
  """Returns the evaluator that looks up figures in the table that the flags name."""
  del distribution
  if flag_values.table is None:
    raise ValueError("--evaluator=tabular needs --table")
  if flag_values.train_best:
    raise ValueError("--train_best needs --evaluator=training: a table has no data to train on")
  table = read_table(flag_values.table)
  if table.space.name != space.name:
    raise ValueError(f"{flag_values.table}: is a table of {table.space.name}, but --space is {space.name}")
  return evaluator_class("tabular")(table)


_EVALUATORS = {
  "training": training_evaluator,
  "shared_weights": shared_weights_evaluator,
  "tabular": tabular_evaluator,
}


def search_settings(flag_values: flags.FlagValues) -> dict[str, Any]:
  """Returns what determines the course of a search."""
  settings = search_flags.settings(flag_values, "evaluator", "batch_size", "reward")
  if flag_values.first_batch_size is not None:
    settings["first_batch_size"] = flag_values.first_batch_size
  return {**settings, **(shared_flags.settings(flag_values) if flag_values.evaluator == "shared_weights" else {})}


def search(flag_values: flags.FlagValues, strategy: Strategy, evaluator: Evaluator, journal: Journal) -> Trial | None:
  """Runs the loop with a progress bar."""
  with tqdm.tqdm(total=flag_values.num_trials, unit="trial", dynamic_ncols=True) as bar:
    return run_search(
      strategy,
      evaluator,
      journal,
      num_trials=flag_values.num_trials,
      batch_size=flag_values.batch_size,
      first_batch_size=flag_values.first_batch_size,
      on_trial=_show(bar, journal),
    )


def finalists(flag_values: flags.FlagValues, evaluator: SharedWeightsEvaluator, trials: Sequence[Trial]) -> list[Trial]:
  """Returns the trials to be trained from scratch: the best by shared weights.

  Where these were trained between one round and the next, more of the best are scored again with the last ones, for the
  highest of many scores with weights that have hardly been trained say little.
  """
  scored = [trial for trial in trials if trial.reward is not None]
  if not flag_values.shared_epochs_per_round:
    return top_trials(scored, flag_values.rerank)
  best = top_trials(scored, flag_values.rerank * _SCORED_AGAIN)
  scores = {trial.id: np.nan_to_num(evaluator.score(trial.architecture), nan=-np.inf) for trial in best}
  return sorted(best, key=lambda trial: -scores[trial.id])[: flag_values.rerank]


def rerank_best(
  flag_values: flags.FlagValues,
  space: SearchSpace,
  candidates: Sequence[Trial],
  evaluator: Evaluator,
  trials: Sequence[Trial],
) -> Trial | None:
  """Trains candidates from scratch, as children; returns the best as one of the search, and reports on all."""
  settings = search_flags.settings(flag_values, "reward")
  numbers = {trial.architecture: trial.id for trial in trials}
  with (
    Journal(os.path.join(flag_values.workdir, RERANK_DIRECTORY), settings) as journal,
    tqdm.tqdm(total=len(candidates), unit="child", dynamic_ncols=True) as bar,
  ):
    best = rerank(candidates, space, evaluator, journal, on_trial=_show(bar, journal))
    reranked = [dataclasses.replace(trial, id=numbers[trial.architecture]) for trial in journal.trials]
  write_report(flag_values.workdir, trials, space, reranked)
  return best and dataclasses.replace(best, id=numbers[best.architecture])


def describe(best: Trial, space: SearchSpace) -> dict:
  """Returns what `best.json` holds."""
  genotype = space.decode(best.architecture)
  return {
    "trial": best.id,
    "origin": best.origin,
    "space": space.name,
    "architecture": space.format(best.architecture),
    "genotype": genotype.to_json() if hasattr(genotype, "to_json") else str(genotype),
    "reward": best.reward,
    "parameters": best.evaluation.metrics.get("parameters"),
    "metrics": dict(best.evaluation.metrics),
  }


def train_best(
  flag_values: flags.FlagValues, genotype: Genotype, setup: Setup, distribution: tf.distribute.Strategy
) -> None:
  """Trains the winner, exports it and prints its figures on the test set."""
  options = {"train_examples": None, **experiment.task_class_of(flag_values).final_options}
  if flag_values.best_validation_fraction is not None:
    options["validation_fraction"] = flag_values.best_validation_fraction
  train.train_and_export(
    experiment.task_of(flag_values, **options),
    genotype,
    setup,
    distribution=distribution,
    seed=flag_values.seed,
    workdir=os.path.join(flag_values.workdir, BEST_DIRECTORY),
    settings={**experiment.task_settings(flag_values), **options},
  )


def _show(bar: tqdm.tqdm, journal: Journal) -> Callable[[Trial], None]:
  def show(trial: Trial) -> None:
    best = best_trial(journal.trials)
    bar.set_postfix(best=f"{best.reward:.4f}" if best else "none", last=_outcome(trial))
    bar.update()

  return show


def _outcome(trial: Trial) -> str:
  return f"{trial.reward:.4f}" if trial.reward is not None else f"failed ({trial.evaluation.metrics.get('reason')})"


def cli() -> None:
  """Runs the binary."""
  flagging.run(define_flags, main)


if __name__ == "__main__":
  cli()
