"""Searches for an architecture.

Example:
  nao-search --task=digits --space=nasnet5 --strategy=nao --num_trials=40 --workdir=runs/digits --train_best

If it is killed and started again with the same flags, it resumes where it was. The work directory gets trials.jsonl
(the journal), config.json (the settings), best.json (the best architecture) and report.html. With --train_best it also
gets the directory best, with the trained network; with --evaluator=shared_weights the directory shared_weights, with
the supernet; with --rerank the directory rerank, a journal of the best architectures trained from scratch.

With --strategy=darts or another one-shot search, one network that holds all architectures is trained, in the directory
one_shot. Each of its epochs is a trial in the journal.

With --objectives=accuracy,multiply_adds a search is for several objectives at once. It prints the Pareto set, and
--export_pareto=DIR trains and exports each network of it.

A space, a strategy, an evaluator or a task of your own is named by its place:
  nao-search --strategy=my_package.my_module:MyStrategy --my_strategy_rate=0.5 --workdir=runs/mine
"""

import contextlib
import dataclasses
import functools
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from absl import flags

from nao_tf.evaluators import SCORES, EvaluatorContext, make_evaluator
from nao_tf.evaluators.base import Evaluator
from nao_tf.reports import REPORT_FILE, write_report
from nao_tf.reports.markup import figure
from nao_tf.runs.json_files import write_json
from nao_tf.runs.run_lock import RunLock
from nao_tf.runs.settings import RunDirectoryError
from nao_tf.searches.cost_proxies import PROXIES, check_proxies, table_costs, with_network_proxies, with_proxies
from nao_tf.searches.executors import Executor
from nao_tf.searches.executors.side_by_side import evaluations_in_order
from nao_tf.searches.one_shot import ONE_SHOT_SEARCHES
from nao_tf.searches.reading import load
from nao_tf.searches.search_directory import Budget, NothingFound, Reranking, search_in_directory
from nao_tf.searches.winner import BEST_FILE, Rescore, describe
from nao_tf.searches.workers import SHARED_BATCH
from nao_tf.serving.export_target import check_target
from nao_tf.spaces import make_space
from nao_tf.spaces.base import SearchSpace
from nao_tf.spaces.genotypes import Genotype
from nao_tf.strategies import STRATEGIES, Strategy
from nao_tf.strategies.earlier_search import EarlierSearch, read_earlier_search, warm_started
from nao_tf.tables import read_table
from nao_tf.tasks.base import Configs
from nao_tf.tools import (
  evaluator_flags,
  executor_flags,
  experiment,
  network_checks,
  objective_flags,
  one_shot,
  one_shot_flags,
  recorded_flags,
  renamed_flags,
  rung_flags,
  running,
  search_flags,
  shared_flags,
  strategy_flags,
  train,
  workdirs,
)
from nao_tf.training.base import Metrics
from nao_tf.trial import Trial

if TYPE_CHECKING:
  import tensorflow as tf

COMMAND = "search"
BEST_DIRECTORY = "best"
PARETO_FILE = "pareto.json"
_SEARCH = "nao-search"

DefineFlags = Callable[[flags.FlagValues, Sequence[str]], None]
"""Defines the flags of a binary for a command line."""


def define_flags(flag_values: flags.FlagValues, argv: Sequence[str] = ()) -> None:
  """Defines the flags of a search.

  Args:
    flag_values: where to define.
    argv: the command line, which may name a strategy and an evaluator that have flags of their own.
  """
  search_flags.define(flag_values, argv, strategies={**STRATEGIES, **ONE_SHOT_SEARCHES})
  one_shot_flags.define(flag_values, argv)
  objective_flags.define(flag_values)
  objective_flags.define_measuring(flag_values)
  evaluator_flags.define(flag_values, argv)
  executor_flags.define(flag_values)
  flags.DEFINE_integer(
    "batch_size",
    None,
    "architectures to ask the strategy for at a time; default: 1, so that each proposal knows all trials that are finished,"
    f" and {SHARED_BATCH} with --evaluator=shared_weights, which scores many at once",
    lower_bound=1,
    flag_values=flag_values,
  )
  flags.DEFINE_integer(
    "first_batch_size", None, "architectures to ask for the first time; default: batch_size", 1, flag_values=flag_values
  )
  help_ = (
    "directory of an earlier search of the same space, of other data or with shorter trainings, to learn from; it is used as"
    " far as it helps"
  )
  flags.DEFINE_string("warm_start", None, help_, flag_values=flag_values)
  help_ = f"what is known of networks without training that nao learns from, as far as it helps: {', '.join(PROXIES)}"
  flags.DEFINE_list("proxies", [], help_, flag_values=flag_values)
  flags.DEFINE_integer(
    "rerank",
    0,
    "train this many of the best by --evaluator=shared_weights from scratch, as children, or of what a one-shot --strategy"
    " has found; the best of them wins",
    lower_bound=0,
    flag_values=flag_values,
  )
  flags.DEFINE_boolean(
    "train_best", False, "train and export the best architecture after the search", flag_values=flag_values
  )
  help_ = (
    "train and export each network of the Pareto set of a search with --objectives, one in a directory of this one"
  )
  flags.DEFINE_string("export_pareto", None, help_, flag_values=flag_values)
  experiment.define_config_flags(flag_values, "child", prefix="best_", unset="as for children")
  flags.DEFINE_float(
    "best_validation_fraction",
    None,
    "share of the training data held out when the best architecture is trained; default: none",
    0.0,
    1.0,
    flag_values=flag_values,
  )


def main(flag_values: flags.FlagValues) -> int:
  """Searches; returns the exit code."""
  check(flag_values)
  executor_flags.share_gpus(flag_values)
  check_optimizers(flag_values)
  warn_of_unused(flag_values)
  with workdirs.opened(flag_values.workdir):
    return search_in_workdir(flag_values)


def search_in_workdir(flag_values: flags.FlagValues) -> int:
  """Searches in the work directory; returns the exit code."""
  distribution = experiment.prepare_process(flag_values)
  proposals, space = search_flags.proposal_space(flag_values), make_space(flag_values.space)
  with RunLock(flag_values.workdir):
    recorded_flags.record(COMMAND, flag_values)
  workdirs.announce(flag_values.workdir, tensorboard=experiment.wants_tensorboard(flag_values))
  try:
    best = search(flag_values, proposals, space, distribution)
  except NothingFound as error:
    print(error)
    return 1
  pareto_set = load(flag_values.workdir).pareto_set
  print_pareto_set(pareto_set, space)
  print(f"best: trial {best.id}, reward {best.reward:.4f}, {best.origin}: {space.format(best.architecture)}")
  if flag_values.train_best:
    train_best(flag_values, space.decode(best.architecture), winner_of(flag_values), distribution)
    write_report(flag_values.workdir, space)
  if flag_values.export_pareto is not None:
    export_pareto_set(flag_values, pareto_set, space, distribution)
  print_results(flag_values)
  return 0


def print_pareto_set(pareto_set: Sequence[Trial], space: SearchSpace) -> None:
  """Prints the trials that no other one dominates; nothing if there are none, in a search for the reward alone."""
  if pareto_set:
    print(f"Pareto set: {len(pareto_set)} of the trials, which no other one betters in all objectives")
  for trial in pareto_set:
    values = trial.evaluation.objectives if trial.evaluation else {}
    shown = ", ".join(f"{name} {figure(value)}" for name, value in values.items())
    print(f"  trial {trial.id}: {shown}: {space.format(trial.architecture)}")


def winner_of(flag_values: flags.FlagValues) -> Configs:
  """Returns how the winner is built and trained."""
  return experiment.configs_of(flag_values, search_flags.children(flag_values), prefix="best_")


def print_results(flag_values: flags.FlagValues) -> None:
  """Prints where the results are, and a command that goes on with them."""
  workdir = flag_values.workdir
  print(f"report: {os.path.join(workdir, REPORT_FILE)}")
  print(f"best architecture: {os.path.join(workdir, BEST_FILE)}")
  if flag_values.train_best:
    train.print_next(os.path.join(workdir, BEST_DIRECTORY), flag_values.task)
  elif flag_values.evaluator != "tabular":
    print(f"next, to train it and export it: {_SEARCH} --workdir={workdir} --train_best")


def check(flag_values: flags.FlagValues) -> None:
  """Checks that the flags fit together.

  Raises:
    ValueError: if they do not.
  """
  experiment.check_files(flag_values)
  winner_of(flag_values)
  strategy_flags.config(flag_values.strategy, flag_values)
  evaluator_flags.check(flag_values)
  executor_flags.check(flag_values)
  if flag_values.warm_start is not None:
    earlier_search(flag_values)
  proxies_of(flag_values)
  one_shot.check(flag_values)
  network_checks.check(flag_values)
  is_cheap = flag_values.evaluator == "shared_weights" or one_shot_flags.chosen(flag_values) is not None
  objective_flags.check(flag_values)
  if flag_values.rerank and not is_cheap:
    raise ValueError(f"--rerank needs --evaluator=shared_weights, got {flag_values.evaluator}")
  if flag_values.train_best and flag_values.evaluator == "tabular":
    raise ValueError("--train_best needs --evaluator=training: a table has no data to train on")
  if flag_values.train_best:
    check_place_of_best(flag_values)


def check_place_of_best(flag_values: flags.FlagValues) -> None:
  """Checks that the winner can be exported to its place, if something is there already.

  Raises:
    ValueError: if that is no export, or another process is exporting there.
    OSError: if it cannot be written.
  """
  saved_model = os.path.join(flag_values.workdir, BEST_DIRECTORY, train.SAVED_MODEL)
  if os.path.lexists(saved_model):
    check_target(saved_model)


def check_optimizers(flag_values: flags.FlagValues) -> None:
  """Checks the optimizers of all trainings of a search; see `experiment.check_optimizer`."""
  if flag_values.evaluator == "tabular":
    return
  experiment.check_optimizer(search_flags.children(flag_values), prefix="child_")
  experiment.check_optimizer(shared_flags.configs(flag_values), prefix=shared_flags.PREFIX)
  experiment.check_optimizer(winner_of(flag_values), prefix="best_")


def warn_of_unused(flag_values: flags.FlagValues) -> None:
  """Warns of flags that say nothing about the networks of the space; see `experiment.warn_of_unused`."""
  if flag_values.evaluator == "tabular":
    return
  space, children = make_space(flag_values.space), search_flags.children(flag_values)
  genotype = space.decode(space.sample(np.random.default_rng(0)))
  experiment.warn_of_unused(genotype, children, experiment.traits_of(flag_values).child, prefix="child_")
  experiment.warn_of_unused(genotype, winner_of(flag_values), children, prefix="best_")


def batch_size(flag_values: flags.FlagValues) -> int:
  """Returns how many architectures the strategy is asked for at a time."""
  if flag_values.batch_size is not None:
    return int(flag_values.batch_size)
  return SHARED_BATCH if flag_values.evaluator == "shared_weights" else 1


def settings(flag_values: flags.FlagValues) -> dict[str, Any]:
  """Returns what determines the course of a search."""
  chosen = one_shot_flags.chosen(flag_values)
  if chosen is not None:
    return one_shot.settings(chosen, flag_values)
  first = flag_values.first_batch_size
  return {
    **search_flags.settings(flag_values),
    "batch_size": batch_size(flag_values),
    **evaluator_flags.settings(flag_values),
    **({} if first is None else {"first_batch_size": first}),
    **({} if flag_values.warm_start is None else {"warm_start": earlier_search(flag_values).digest}),
    **({"proxies": list(proxies)} if (proxies := proxies_of(flag_values)) else {}),
  }


def earlier_search(flag_values: flags.FlagValues) -> EarlierSearch:
  """Returns what the earlier search of a warm start has found out.

  Raises:
    ValueError: if there is nothing to learn from; the message names the flag.
  """
  try:
    return read_earlier_search(flag_values.warm_start, make_space(flag_values.space))
  except (ValueError, RunDirectoryError) as error:
    raise ValueError(f"--warm_start={error}") from error


def proxies_of(flag_values: flags.FlagValues) -> tuple[str, ...]:
  """Returns the names of the proxies.

  Raises:
    ValueError: if there is none of a name; the message names the flag.
  """
  try:
    return check_proxies(flag_values.proxies)
  except ValueError as error:
    raise ValueError(f"--{error}") from error


def strategy_of(flag_values: flags.FlagValues, proposals: SearchSpace) -> Strategy:
  """Returns the strategy, which may learn from an earlier search and from proxies."""
  strategy = search_flags.strategy(flag_values, proposals)
  if flag_values.warm_start is not None:
    warm_started(strategy, flag_values.warm_start)
  if proxies := proxies_of(flag_values):
    inform(strategy, flag_values, proxies)
  return strategy


def inform(strategy: Strategy, flag_values: flags.FlagValues, proxies: Sequence[str]) -> None:
  """Tells a strategy what to ask about the networks of the search, or those of a table.

  Raises:
    ValueError: if there are no such proxies of these networks; the message names the flag.
  """
  if flag_values.evaluator == "tabular":
    with_proxies(strategy, proxies, table_costs(proxies, read_table(flag_values.table)))
    return
  space, network_config = make_space(flag_values.space), search_flags.children(flag_values).network_config
  with_network_proxies(strategy, proxies, space, network_config, lambda: experiment.task_of(flag_values))


def search(
  flag_values: flags.FlagValues, proposals: SearchSpace, space: SearchSpace, distribution: "tf.distribute.Strategy"
) -> Trial:
  """Searches, evaluates the best again if asked to, and returns the best."""
  context = evaluator_flags.context(flag_values, space, distribution)
  again = reranking(flag_values, context) if flag_values.rerank else None
  chosen = one_shot_flags.chosen(flag_values)
  if chosen is not None:
    return one_shot.run(chosen, flag_values, space, distribution, again)
  return search_in_directory(
    flag_values.workdir,
    settings(flag_values),
    space,
    strategy_of(flag_values, proposals),
    lambda: evaluator_of(flag_values, flag_values.evaluator, context),
    budget=Budget(
      num_trials=flag_values.num_trials,
      batch_size=batch_size(flag_values),
      first_batch_size=flag_values.first_batch_size,
      trial_retries=flag_values.trial_retries,
      asking=flag_values.asking,
      rungs=rung_flags.config(flag_values),
    ),
    reranking=again,
    objectives=objective_flags.sought(flag_values, space, search_flags.children(flag_values)),
    tensorboard=experiment.wants_tensorboard(flag_values),
  )


@contextlib.contextmanager
def evaluator_of(
  flag_values: flags.FlagValues, name: str, context: EvaluatorContext, *, define: DefineFlags | None = None
) -> Iterator[Evaluator | Executor]:
  """Makes an evaluator, or an executor with workers that make one each.

  Shared weights are trained in this process. If there is an executor, its workers score with them.

  Args:
    flag_values: the flags.
    name: of the evaluator.
    context: what it is made from in this process.
    define: defines the flags of the binary; None: those of this one.
  """
  if executor_flags.executor_name(flag_values) == "inline":
    yield make_evaluator(name, context)
    return
  if name == "shared_weights":
    with executor_flags.executor(flag_values, functools.partial(make_in_worker, sys.argv, SCORES, define)) as executor:
      elsewhere = functools.partial(evaluations_in_order, executor)
      yield make_evaluator(name, dataclasses.replace(context, score_elsewhere=elsewhere))
    return
  if flag_values.rerank:
    make_evaluator(name, context)  # Workers start after the search; what is wrong with the flags is said before it.
  with executor_flags.executor(flag_values, functools.partial(make_in_worker, sys.argv, name, define)) as executor:
    yield executor


def make_in_worker(argv: Sequence[str], name: str, define: DefineFlags | None) -> Evaluator:
  """Makes an evaluator in a process of its own from the command line of the binary; see `evaluator_of`."""
  flag_values = flags.FlagValues()
  (define or define_flags)(flag_values, argv)
  renamed_flags.parse(flag_values, argv)
  distribution = experiment.prepare_process(flag_values)
  return make_evaluator(name, evaluator_flags.context(flag_values, make_space(flag_values.space), distribution))


def reranking(flag_values: flags.FlagValues, context: EvaluatorContext) -> Reranking:
  """Returns that the best by shared weights are trained from scratch, as children.

  If shared weights were trained between one round and the next, more of the best are scored again with the last ones.
  """
  return Reranking(
    flag_values.rerank,
    lambda: evaluator_of(flag_values, "training", context),
    search_flags.settings(flag_values, "reward"),
    rescore=last_scores if context.sharing_config.epochs_per_round else lambda evaluator: None,
  )


def last_scores(evaluator: Evaluator | Executor) -> Rescore | None:
  """Returns what scores architectures with the last shared weights; None if there are none."""
  from nao_tf.evaluators.shared_weights_evaluator import SharedWeightsEvaluator

  return evaluator.scores if isinstance(evaluator, SharedWeightsEvaluator) else None


def train_best(
  flag_values: flags.FlagValues, genotype: Genotype, configs: Configs, distribution: "tf.distribute.Strategy"
) -> None:
  """Trains the winner, exports it and prints its metrics on the test set."""
  directory = os.path.join(flag_values.workdir, BEST_DIRECTORY)
  train_in(directory, flag_values, genotype, configs, distribution)


def train_in(
  directory: str,
  flag_values: flags.FlagValues,
  genotype: Genotype,
  configs: Configs,
  distribution: "tf.distribute.Strategy",
) -> Metrics:
  """Trains a network that was found in a directory, exports it and prints its metrics on the test set; returns these."""
  options = {"train_examples": None, **experiment.traits_of(flag_values).final_options}
  if flag_values.best_validation_fraction is not None:
    options["validation_fraction"] = flag_values.best_validation_fraction
  return train.train_and_export(
    experiment.task_of(flag_values, **options),
    genotype,
    configs,
    distribution=distribution,
    seed=flag_values.seed,
    workdir=directory,
    settings={**experiment.task_settings(flag_values), **options},
    tensorboard=experiment.wants_tensorboard(flag_values),
  )


def export_pareto_set(
  flag_values: flags.FlagValues,
  pareto_set: Sequence[Trial],
  space: SearchSpace,
  distribution: "tf.distribute.Strategy",
) -> None:
  """Trains and exports each network of a Pareto set, and writes what they are and how they do on the test set.

  Each has a directory of its own, `trial_N`, as that of a training. What was finished before is not done again.
  """
  rows = []
  os.makedirs(flag_values.export_pareto, exist_ok=True)
  for number, trial in enumerate(pareto_set, 1):
    name = f"trial_{trial.id}"
    print(f"Pareto set, {number} of {len(pareto_set)}: trial {trial.id}")
    directory = os.path.join(flag_values.export_pareto, name)
    genotype, configs = space.decode(trial.architecture), winner_of(flag_values)
    test = train_in(directory, flag_values, genotype, configs, distribution)
    rows.append({"directory": name, **describe(trial, space), "test": dict(test)})
    write_json(os.path.join(flag_values.export_pareto, PARETO_FILE), rows)


def cli() -> None:
  """Runs the binary."""
  running.run(
    lambda flag_values: define_flags(flag_values, sys.argv),
    main,
    taken_up=lambda argv: recorded_flags.taken_up(COMMAND, argv),
  )


if __name__ == "__main__":
  cli()
