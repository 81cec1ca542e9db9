r"""Measures how well scores with shared weights rank architectures, compared with training each from scratch.

Random architectures are trained separately with the --child_ flags, and scored with a supernet trained with the
--shared_ flags. Prints Kendall's tau between the two, with its standard error by bootstrapping over architectures. For
comparison it prints the same for the number of parameters, and for scores computed as in the released NAO-WS: each
architecture on a validation batch of its own, with the batch normalization statistics of that batch and with dropout.

With --table, the ground truth is looked up in a table of the space, such as NAS-Bench-201, instead of training.

Example:
  nao-rank-shared --flagfile=flags/cifar10_shared.flags --num_architectures=24 --workdir=runs/rank
  nao-rank-shared --task=cifar10 --space=nasbench201 --shared_convention=nasbench201 --noshared_auxiliary \
    --table=nasbench201_cifar10.npz --num_architectures=200 --workdir=runs/rank

Running the same command again resumes an interrupted run. The work directory contains the journals separate and shared,
and ranks.json.
"""

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from absl import flags

from nao_tf.evaluators import make_evaluator
from nao_tf.evaluators.base import Evaluator
from nao_tf.evaluators.context import EvaluatorContext
from nao_tf.evaluators.tabular_evaluator import TabularEvaluator, table_of
from nao_tf.runs.journal import Journal
from nao_tf.runs.progress_bars import progress_bar
from nao_tf.searches.executors import Executor
from nao_tf.searches.reranking import rerank
from nao_tf.spaces import make_space
from nao_tf.spaces.base import SearchSpace
from nao_tf.tools import evaluator_flags, executor_flags, experiment, quiet, running, search
from nao_tf.trial import Architecture, Evaluation, Trial

if TYPE_CHECKING:
  from nao_tf.benchmarks.supernet_ranking import Scores

_UNSCORED = Evaluation(0.0)


def define_flags(flag_values: flags.FlagValues, argv: Sequence[str] = ()) -> None:
  """Defines the flags of a search, of which the task, the children and the supernet are used, and some more.

  Args:
    flag_values: where to define the flags.
    argv: the command line.
  """
  search.define_flags(flag_values, argv)
  flags.DEFINE_integer("num_architectures", 24, "number of random architectures to compare", 3, flag_values=flag_values)
  help_ = "column of --table to use as the ground truth, such as test200; default: the one that the table reports"
  flags.DEFINE_string("table_figure", None, help_, flag_values=flag_values)
  flags.DEFINE_integer(
    "released_repeats", 5, "number of random batches for scores as in the released NAO-WS", 1, flag_values=flag_values
  )


def main(flag_values: flags.FlagValues) -> None:
  """Measures what the flags describe."""
  table = table_evaluator(flag_values)
  quiet.load_tensorflow()
  from nao_tf.benchmarks.supernet_ranking import SHARED, other_figures

  evaluator_flags.check_one_size(flag_values)
  executor_flags.check(flag_values)
  distribution = experiment.prepare_process(flag_values)
  space, rng = make_space(flag_values.space), np.random.default_rng([flag_values.seed, 1])
  architectures = [space.canonical(space.sample(rng)) for _ in range(flag_values.num_architectures)]
  context = evaluator_flags.context(flag_values, space, distribution)
  shared = make_evaluator("shared_weights", context)
  trials = evaluate(flag_values, space, SHARED, shared, architectures)
  scores = {SHARED: [trial.reward for trial in trials], **other_figures(trials)}
  scores |= released_scores(flag_values, shared, architectures)
  if table is not None:
    truth = [evaluation.reward for evaluation in table.evaluate(architectures)]
  else:
    truth = trained(flag_values, context, architectures)
  report(flag_values.workdir, [space.format(a) for a in architectures], scores, truth)


def table_evaluator(flag_values: flags.FlagValues) -> TabularEvaluator | None:
  """Returns what looks the truth up; None if it has to be trained.

  Raises:
    ValueError: if the file is not a table of the space, or the table has no such figure.
    OSError: if it cannot be read.
  """
  if flag_values.table is None:
    if flag_values.table_figure is not None:
      raise ValueError("--table_figure names a figure of a table; it needs --table")
    return None
  table = table_of(flag_values.table, make_space(flag_values.space))
  return TabularEvaluator(table, objective=flag_values.table_figure or table.default_report)


def trained(
  flag_values: flags.FlagValues, context: EvaluatorContext, architectures: Sequence[Architecture]
) -> list[float | None]:
  """Returns the rewards of architectures that are trained from scratch."""
  from nao_tf.benchmarks.supernet_ranking import SEPARATE

  with search.evaluator_of(flag_values, "training", context, define=define_flags) as training:
    trials = evaluate(flag_values, context.space, SEPARATE, training, architectures)
  return [trial.reward for trial in trials]


def evaluate(
  flag_values: flags.FlagValues,
  space: SearchSpace,
  name: str,
  evaluator: Evaluator | Executor,
  architectures: Sequence[Architecture],
) -> list[Trial]:
  """Returns the trials of architectures, with a journal of that name."""
  trials = [Trial(number, architecture, evaluation=_UNSCORED) for number, architecture in enumerate(architectures)]
  with (
    Journal(os.path.join(flag_values.workdir, name), search.settings(flag_values)) as journal,
    progress_bar(len(trials), name, seconds=60.0) as bar,
  ):
    rerank(trials, space, evaluator, journal, on_trial=lambda trial: bar.update())
    return journal.trials


def released_scores(
  flag_values: flags.FlagValues, evaluator: Evaluator, architectures: Sequence[Architecture]
) -> dict[str, list[float | None]]:
  """Returns the scores that are taken as the released NAO-WS takes them, for networks of images."""
  from nao_tf.benchmarks.supernet_ranking import RELEASED, ReleasedScores
  from nao_tf.evaluators.shared_weights_evaluator import SharedWeightsEvaluator
  from nao_tf.supernets.image_supernet_trainer import ImageSupernetTrainer

  if not (isinstance(evaluator, SharedWeightsEvaluator) and isinstance(evaluator.trainer, ImageSupernetTrainer)):
    return {}
  released = ReleasedScores(evaluator.trainer, flag_values.seed)
  repeats = range(flag_values.released_repeats)
  return {f"{RELEASED}_{repeat}": [released.score(a, repeat) for a in architectures] for repeat in repeats}


def report(workdir: str, architectures: Sequence[str], scores: "Scores", truth: Sequence[float | None]) -> None:
  """Prints Kendall's tau of each way of scoring against the separate trainings, and writes everything down."""
  from nao_tf.benchmarks import supernet_ranking

  ranking = supernet_ranking.rank(scores, truth)
  supernet_ranking.write_ranks(workdir, ranking, architectures, scores, truth)
  for name, (tau, error) in ranking.tau.items():
    rho = f", Spearman {ranking.spearman[name]:.3f}" if name in ranking.spearman else ""
    print(f"{name:20} tau {tau:6.3f} +- {error:.3f} over {ranking.num_architectures} architectures{rho}")


def cli() -> None:
  """Runs the command."""
  running.run(lambda flag_values: define_flags(flag_values, sys.argv), main, check=None)


if __name__ == "__main__":
  cli()
