"""Searches an architecture: a space, a strategy, an evaluator and a budget.

Example:
  nao-search --task=digits --space=nasnet5 --strategy=nao --num_trials=40 --workdir=runs/digits --train_best

Killed and started again with the same flags, it goes on where it was. The work directory gets trials.jsonl (the journal),
config.json (the settings), best.json and report.html, and with --train_best the directory best with the trained network.
"""

import os
from collections.abc import Callable

import tensorflow as tf
import tqdm
from absl import flags

from nao_tf.architecture import Trial, best_trial
from nao_tf.evaluators import evaluator_class
from nao_tf.evaluators.base import Evaluator
from nao_tf.genotype import CellGenotype
from nao_tf.journal import Journal
from nao_tf.networks.image_network import ImageNetworkConfig
from nao_tf.recipe import TrainingConfig
from nao_tf.report import write_report
from nao_tf.search import run_search
from nao_tf.settings import write_json
from nao_tf.spaces import SPACES, make_space
from nao_tf.spaces.base import SearchSpace
from nao_tf.strategies import STRATEGIES, make_strategy
from nao_tf.strategies.base import Strategy
from nao_tf.strategies.evolution import EvolutionConfig
from nao_tf.strategies.nao import PRESETS, NaoConfig
from nao_tf.tables import read_table
from nao_tf.tools import experiment, flagging, train

BEST_FILE = "best.json"
BEST_DIRECTORY = "best"
_AS_CHILDREN = "as for children"

# The children of the paper's search (Luo et al., NeurIPS 2018, section 4.1).
PROXY_NETWORK = ImageNetworkConfig(num_cells=3, filters=32, dropout_keep=1.0)
PROXY_RECIPE = TrainingConfig()
_OPTIONS = {
  "nao": lambda flag_values: flagging.build(PRESETS[flag_values.nao_preset], flag_values, prefix="nao_"),
  "evolution": lambda flag_values: flagging.build(EvolutionConfig(), flag_values, prefix="evolution_"),
}


def define_flags(flag_values: flags.FlagValues) -> None:
  """Defines the flags of a search."""
  experiment.define_process_flags(flag_values)
  experiment.define_task_flags(flag_values)
  define = {"flag_values": flag_values}
  flags.DEFINE_enum("space", "nasnet5", sorted(SPACES), "what to search", **define)
  flags.DEFINE_enum("strategy", "nao", sorted(STRATEGIES), "how to search", **define)
  flags.DEFINE_enum("evaluator", "training", sorted(_EVALUATORS), "how to evaluate an architecture", **define)
  flags.DEFINE_string("table", None, "table file of --evaluator=tabular", **define)
  flags.DEFINE_integer("num_trials", 40, "architectures to evaluate, failed ones included", lower_bound=1, **define)
  flags.DEFINE_integer("batch_size", 8, "architectures to ask the strategy for at a time", lower_bound=1, **define)
  flags.DEFINE_integer("max_parameters", None, "children with more parameters fail; default: no bound", **define)
  flags.DEFINE_enum("reward", "last", ["last", "best"], "the epoch whose validation figure is the reward", **define)
  flags.DEFINE_boolean("train_best", False, "go on to train the best architecture and export it", **define)
  flags.DEFINE_enum("nao_preset", "default", sorted(PRESETS), "settings of nao, which --nao_... flags change", **define)
  flagging.define(NaoConfig(), flag_values, prefix="nao_", unset="what --nao_preset says")
  flagging.define(EvolutionConfig(), flag_values, prefix="evolution_")
  experiment.define_network_flags(flag_values, PROXY_NETWORK, prefix="child_")
  flagging.define(PROXY_RECIPE, flag_values, prefix="child_")
  experiment.define_network_flags(flag_values, PROXY_NETWORK, prefix="best_", unset=_AS_CHILDREN)
  flagging.define(PROXY_RECIPE, flag_values, prefix="best_", unset=_AS_CHILDREN)
  flags.DEFINE_float("best_validation_fraction", 0.0, "held out when the best is trained", 0.0, 1.0, **define)


def main(flag_values: flags.FlagValues) -> int:
  """Searches; returns the exit code."""
  experiment.check_workdir(flag_values.workdir)
  distribution = experiment.prepare_process(flag_values)
  space = make_space(flag_values.space)
  evaluator = _EVALUATORS[flag_values.evaluator](flag_values, space, distribution)
  strategy = search_strategy(flag_values, space)
  with Journal(flag_values.workdir, search_settings(flag_values)) as journal:
    best = search(flag_values, strategy, evaluator, journal)
    write_report(flag_values.workdir, journal.trials, space)
  if best is None:
    print(f"none of {flag_values.num_trials} trials has a reward; see {flag_values.workdir}")
    return 1
  write_json(os.path.join(flag_values.workdir, BEST_FILE), describe(best, space))
  print(f"best: trial {best.id}, reward {best.reward:.4f}, {best.origin}: {space.format(best.architecture)}")
  if flag_values.train_best:
    train_best(flag_values, space.decode(best.architecture), distribution)
  return 0


def search_strategy(flag_values: flags.FlagValues, space: SearchSpace) -> Strategy:
  """Returns the strategy that the flags describe."""
  name = flag_values.strategy
  options = {"config": _OPTIONS[name](flag_values)} if name in _OPTIONS else {}
  return make_strategy(name, space, seed=flag_values.seed, **options)


def training_evaluator(
  flag_values: flags.FlagValues, space: SearchSpace, distribution: tf.distribute.Strategy
) -> Evaluator:
  """Returns the evaluator that trains children on the task that the flags name."""
  return evaluator_class("training")(
    experiment.task_of(flag_values),
    space,
    flagging.build(PROXY_NETWORK, flag_values, prefix="child_"),
    flagging.build(PROXY_RECIPE, flag_values, prefix="child_"),
    strategy=distribution,
    seed=flag_values.seed,
    max_parameters=flag_values.max_parameters,
    reward=flag_values.reward,
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


_EVALUATORS = {"training": training_evaluator, "tabular": tabular_evaluator}


def search_settings(flag_values: flags.FlagValues) -> dict:
  """Returns what determines the course of a search. The budget does not: a search can be given more trials."""
  names = ("space", "strategy", "evaluator", "batch_size", "max_parameters", "reward", "seed")
  options = _OPTIONS.get(flag_values.strategy, lambda _: None)(flag_values)
  return {
    **{name: flag_values[name].value for name in names},
    **experiment.task_settings(flag_values),
    **flagging.settings(
      options=options,
      network=flagging.build(PROXY_NETWORK, flag_values, prefix="child_"),
      training=flagging.build(PROXY_RECIPE, flag_values, prefix="child_"),
    ),
  }


def search(flag_values: flags.FlagValues, strategy: Strategy, evaluator: Evaluator, journal: Journal) -> Trial | None:
  """Runs the loop with a progress bar."""
  with tqdm.tqdm(total=flag_values.num_trials, unit="trial", dynamic_ncols=True) as bar:
    return run_search(
      strategy,
      evaluator,
      journal,
      num_trials=flag_values.num_trials,
      batch_size=flag_values.batch_size,
      on_trial=_show(bar, journal),
    )


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


def train_best(flag_values: flags.FlagValues, genotype: CellGenotype, distribution: tf.distribute.Strategy) -> None:
  """Trains the winner by the --best_ flags, exports it and prints its figures on the test set."""
  network_config = flagging.build(PROXY_NETWORK, flag_values, prefix="child_")
  recipe = flagging.build(PROXY_RECIPE, flag_values, prefix="child_")
  train.train_and_export(
    experiment.task_of(flag_values, validation_fraction=flag_values.best_validation_fraction, train_examples=None),
    genotype,
    flagging.build(network_config, flag_values, prefix="best_"),
    flagging.build(recipe, flag_values, prefix="best_"),
    strategy=distribution,
    seed=flag_values.seed,
    workdir=os.path.join(flag_values.workdir, BEST_DIRECTORY),
    settings={"task": flag_values.task, "image_size": flag_values.image_size},
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
