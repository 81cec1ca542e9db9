"""Searches for an architecture.

Example:
  nao-search --task=digits --space=nasnet5 --strategy=nao --num_trials=40 --workdir=runs/digits --train_best

Running the same command again resumes an interrupted search. The work directory contains trials.jsonl (the journal),
config.json (the settings), best.json (the best architecture) and report.html. --train_best adds the directory best with
the trained network, --evaluator=shared_weights the directory shared_weights with the supernet, and --rerank the
directory rerank with a journal of the best architectures trained from scratch.

With --strategy=darts or another one-shot search, a single supernet that contains all architectures is trained in the
directory one_shot. Each of its epochs is a trial in the journal.

With --objectives=accuracy,multiply_adds the search is multi-objective. It prints the Pareto set, and
--export_pareto=DIR trains and exports each of its networks.

Your own search space, strategy, evaluator or task is named by its import path:
  nao-search --strategy=my_package.my_module:MyStrategy --my_strategy_rate=0.5 --workdir=runs/mine
"""

import contextlib
import dataclasses
import functools
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from absl import flags

from nao_tf.evaluators import SCORES, EvaluatorContext, make_evaluator
from nao_tf.evaluators.base import Evaluator
from nao_tf.networks.buildable import sample_genotype
from nao_tf.objectives import NotMeasured, Objectives
from nao_tf.reports import write_report
from nao_tf.runs.run_lock import RunLock
from nao_tf.searches.executors import Executor
from nao_tf.searches.executors.side_by_side import evaluations_in_order
from nao_tf.searches.one_shot import ONE_SHOT_SEARCHES
from nao_tf.searches.progress import outcome
from nao_tf.searches.reading import load
from nao_tf.searches.search_directory import Budget, NothingFound, Reranking, search_in_directory
from nao_tf.searches.winner import Rescore
from nao_tf.searches.workers import SHARED_BATCH
from nao_tf.spaces import make_space
from nao_tf.spaces.base import SearchSpace
from nao_tf.strategies import STRATEGIES
from nao_tf.tasks.base import Task
from nao_tf.tools import (
  data_checks,
  evaluator_flags,
  executor_flags,
  experiment,
  network_checks,
  objective_flags,
  one_shot,
  one_shot_flags,
  prior_knowledge,
  recorded_flags,
  renamed_flags,
  rung_flags,
  running,
  search_flags,
  shared_flags,
  strategy_flags,
  table_checks,
  winners,
  workdirs,
)
from nao_tf.trial import Trial

if TYPE_CHECKING:
  import tensorflow as tf

COMMAND = "search"

DefineFlags = Callable[[flags.FlagValues, Sequence[str]], None]
"""Defines the flags of a command for a command line."""


def define_flags(flag_values: flags.FlagValues, argv: Sequence[str] = ()) -> None:
  """Defines the flags of a search.

  Args:
    flag_values: where to define the flags.
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
    "number of architectures to request from the strategy at a time; default: 1, so that each proposal uses all finished"
    f" trials, or {SHARED_BATCH} with --evaluator=shared_weights, which scores many at once",
    lower_bound=1,
    flag_values=flag_values,
  )
  flags.DEFINE_integer(
    "first_batch_size", None, "size of the first batch; default: --batch_size", 1, flag_values=flag_values
  )
  prior_knowledge.define(flag_values)
  flags.DEFINE_integer(
    "rerank",
    0,
    "number of best architectures by --evaluator=shared_weights, or by a one-shot --strategy, to train from scratch like"
    " candidates; the best of them wins",
    lower_bound=0,
    flag_values=flag_values,
  )
  winners.define(flag_values)


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
  space = make_space(flag_values.space)
  with RunLock(flag_values.workdir):  # Another process there is reported before any data is read.
    recorded_flags.check_search(COMMAND, flag_values.workdir, settings(flag_values))
    task = data_checks.task_of_search(flag_values, space, distribution)
    winners.check_training(flag_values, task, distribution.num_replicas_in_sync)
    table_checks.check(flag_values, space)
    proposals = search_flags.proposal_space(flag_values)
    objectives = objective_flags.sought(flag_values, space, search_flags.children(flag_values), task)
    recorded_flags.record(COMMAND, flag_values)
  workdirs.announce(flag_values.workdir, tensorboard=experiment.wants_tensorboard(flag_values))
  try:
    best = search(flag_values, proposals, space, distribution, task, objectives)
  except NothingFound as error:
    print(error)
    return 1
  except NotMeasured as error:
    raise ValueError(f"--{error}") from error
  rung_flags.print_end(flag_values)
  pareto_set = load(flag_values.workdir).pareto_set
  winners.print_pareto_set(pareto_set, space)
  print(f"best: trial {best.id}, reward {outcome(best)}, {best.origin}: {space.format(best.architecture)}")
  if flag_values.train_best:
    winners.train_best(flag_values, space.decode(best.architecture), winners.winner_of(flag_values), distribution)
    write_report(flag_values.workdir, space)
  if flag_values.export_pareto is not None:
    winners.export_pareto_set(flag_values, pareto_set, space, distribution)
  winners.print_results(flag_values)
  return 0


def check(flag_values: flags.FlagValues) -> None:
  """Checks that the flags fit together.

  Raises:
    ValueError: if they do not.
  """
  experiment.check_files(flag_values)
  winners.winner_of(flag_values)
  strategy_flags.config(flag_values.strategy, flag_values)
  evaluator_flags.check(flag_values)
  executor_flags.check(flag_values)
  prior_knowledge.check(flag_values)
  one_shot.check(flag_values)
  network_checks.check(flag_values)
  is_cheap = flag_values.evaluator == "shared_weights" or one_shot_flags.chosen(flag_values) is not None
  objective_flags.check(flag_values)
  if flag_values.rerank and not is_cheap:
    raise ValueError(f"--rerank needs --evaluator=shared_weights, got {flag_values.evaluator}")
  if flag_values.train_best and flag_values.evaluator == "tabular":
    raise ValueError("--train_best needs --evaluator=training: a table has no data to train on")
  winners.check_networks(flag_values)
  if flag_values.train_best:
    winners.check_place_of_best(flag_values)


def check_optimizers(flag_values: flags.FlagValues) -> None:
  """Checks the optimizers of all trainings of a search; see `experiment.check_optimizer`."""
  if flag_values.evaluator == "tabular":
    return
  experiment.check_optimizer(search_flags.children(flag_values), prefix="child_")
  experiment.check_optimizer(shared_flags.configs(flag_values), prefix=shared_flags.PREFIX)
  experiment.check_optimizer(winners.winner_of(flag_values), prefix="best_")


def warn_of_unused(flag_values: flags.FlagValues) -> None:
  """Warns of flags that say nothing about the networks of the space; see `experiment.warn_of_unused`."""
  if flag_values.evaluator == "tabular":
    return
  space, children = make_space(flag_values.space), search_flags.children(flag_values)
  genotype = sample_genotype(space)
  experiment.warn_of_unused(genotype, children, experiment.traits_of(flag_values).child, prefix="child_")
  experiment.warn_of_unused(genotype, winners.winner_of(flag_values), children, prefix="best_")


def batch_size(flag_values: flags.FlagValues) -> int:
  """Returns how many architectures the strategy is asked for at a time."""
  if flag_values.batch_size is not None:
    return int(flag_values.batch_size)
  return SHARED_BATCH if flag_values.evaluator == "shared_weights" else 1


def settings(flag_values: flags.FlagValues) -> dict[str, Any]:
  """Returns the settings that determine the course of a search."""
  chosen = one_shot_flags.chosen(flag_values)
  if chosen is not None:
    return one_shot.settings(chosen, flag_values)
  first = flag_values.first_batch_size
  return {
    **search_flags.settings(flag_values),
    "batch_size": batch_size(flag_values),
    **evaluator_flags.settings(flag_values),
    **({} if first is None else {"first_batch_size": first}),
    **({} if flag_values.warm_start is None else {"warm_start": prior_knowledge.earlier_search(flag_values).digest}),
    **({"proxies": list(proxies)} if (proxies := prior_knowledge.proxies_of(flag_values)) else {}),
  }


def search(
  flag_values: flags.FlagValues,
  proposals: SearchSpace,
  space: SearchSpace,
  distribution: "tf.distribute.Strategy",
  task: Task | None = None,
  objectives: Objectives | None = None,
) -> Trial:
  """Searches, evaluates the best again if asked to, and returns the best.

  Args:
    flag_values: the flags.
    proposals: what a strategy proposes from.
    space: the search space.
    distribution: the `tf.distribute.Strategy` of the process.
    task: what is learned; None: it is made when it is needed.
    objectives: what is searched for; None for the reward alone.
  """
  context = evaluator_flags.context(flag_values, space, distribution, task)
  again = reranking(flag_values, context) if flag_values.rerank else None
  chosen = one_shot_flags.chosen(flag_values)
  if chosen is not None:
    return one_shot.run(chosen, flag_values, space, distribution, again, context.task())
  return search_in_directory(
    flag_values.workdir,
    settings(flag_values),
    space,
    prior_knowledge.strategy_of(flag_values, proposals),
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
    objectives=objectives,
    earlier=None if flag_values.warm_start is None else prior_knowledge.earlier_search(flag_values),
    tensorboard=experiment.wants_tensorboard(flag_values),
  )


@contextlib.contextmanager
def evaluator_of(
  flag_values: flags.FlagValues, name: str, context: EvaluatorContext, *, define: DefineFlags | None = None
) -> Iterator[Evaluator | Executor]:
  """Creates an evaluator, or an executor with workers that make one each.

  Shared weights are trained in this process. If there is an executor, its workers score with them.

  Args:
    flag_values: the flags.
    name: name of the evaluator.
    context: what it is made from in this process.
    define: defines the flags of the command; None: those of this one.
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
  """Creates an evaluator in a process of its own from a command line; see `evaluator_of`."""
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


def cli() -> None:
  """Runs the command."""
  running.run(
    lambda flag_values: define_flags(flag_values, sys.argv),
    main,
    taken_up=lambda argv: recorded_flags.taken_up(COMMAND, argv),
  )


if __name__ == "__main__":
  cli()
