"""What happens with the results of a search: they are printed, trained and exported, and the next command is suggested."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from absl import flags

from nao_tf import fields
from nao_tf.networks.buildable import check_buildable, is_buildable, sample_genotype
from nao_tf.reports import REPORT_FILE
from nao_tf.reports.markup import figure
from nao_tf.runs.json_files import write_json
from nao_tf.searches.winner import BEST_FILE, describe
from nao_tf.serving.export_target import check_target
from nao_tf.spaces import make_space
from nao_tf.spaces.base import SearchSpace
from nao_tf.spaces.genotypes import Genotype
from nao_tf.tasks.base import Configs, Task
from nao_tf.tools import data_checks, experiment, flag_types, search_flags, train
from nao_tf.tools.shell_lines import shell_line
from nao_tf.training.base import Metrics
from nao_tf.trial import Trial

if TYPE_CHECKING:
  import tensorflow as tf

BEST_DIRECTORY = "best"
PARETO_FILE = "pareto.json"
_SEARCH = "nao-search"


def define(flag_values: flags.FlagValues) -> None:
  """Defines the flags of the trainings of what was found."""
  flags.DEFINE_boolean(
    "train_best", False, "whether to train and export the best architecture after the search", flag_values=flag_values
  )
  help_ = (
    "directory to export to; with --objectives, trains and exports each network of the Pareto set into a subdirectory"
  )
  flags.DEFINE_string("export_pareto", None, help_, flag_values=flag_values)
  experiment.define_precision_flag(flag_values)
  experiment.define_config_flags(flag_values, "child", prefix="best_", unset="as for candidates")
  help_ = "fraction of the training data to hold out when training the best architecture; default: none"
  flag_types.define_fraction("best_validation_fraction", help_, flag_values=flag_values)


def print_pareto_set(pareto_set: Sequence[Trial], space: SearchSpace) -> None:
  """Prints the trials that no other one dominates; nothing if there are none, in a search for the reward alone."""
  if pareto_set:
    print(f"Pareto set: {fields.counted(len(pareto_set), 'trial')} that no other trial dominates")
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
    train.print_next(os.path.join(workdir, BEST_DIRECTORY), flag_values)
  elif flag_values.evaluator != "tabular" and is_buildable(make_space(flag_values.space), _network_config(flag_values)):
    print(f"to train and export it: {shell_line(_SEARCH, [f'--workdir={workdir}', '--train_best'])}")


def check_networks(flag_values: flags.FlagValues) -> None:
  """Checks that what is found is a network, if it is to be trained.

  Raises:
    ValueError: if it is not; the message names the flag.
  """
  wanted = {"--train_best": flag_values.train_best, "--export_pareto": flag_values.export_pareto is not None}
  space = make_space(flag_values.space)
  for flag in (flag for flag, is_wanted in wanted.items() if is_wanted):
    try:
      check_buildable(space, _network_config(flag_values), name=flag_values.space)
    except ValueError as error:
      raise ValueError(f"{flag}: {error}") from error


def _network_config(flag_values: flags.FlagValues) -> Any:
  """Returns how the network of the winner is built."""
  return winner_of(flag_values).network_config


def check_place_of_best(flag_values: flags.FlagValues) -> None:
  """Checks that the winner can be exported to its place, if something is there already.

  Raises:
    ValueError: if that is not an export, or another process is exporting there.
    OSError: if it cannot be written.
  """
  saved_model = os.path.join(flag_values.workdir, BEST_DIRECTORY, train.SAVED_MODEL)
  if os.path.lexists(saved_model):
    check_target(saved_model)


def are_trained(flag_values: flags.FlagValues) -> bool:
  """Returns whether anything that is found is trained at the end of the search."""
  return bool(flag_values.train_best or flag_values.export_pareto is not None)


def check_training(flag_values: flags.FlagValues, searched: Task | None, num_replicas: int) -> None:
  """Checks that what is found can be trained on the data, before a search begins.

  Args:
    flag_values: flag values of the search.
    searched: the task of the search; None if this process does not have it.
    num_replicas: number of replicas of this process.

  Raises:
    ValueError: if it cannot; the message names the flag.
    OSError: if the data is missing.
  """
  if not are_trained(flag_values):
    return
  task, configs = searched, winner_of(flag_values)
  if task is None or flag_values.best_validation_fraction is not None or not _fits(task, configs, num_replicas):
    task = experiment.task_of(flag_values, **_final_options(flag_values))
    data_checks.check_batches(task, configs, "best_", num_replicas)
  flag = "--train_best" if flag_values.train_best else "--export_pareto"
  data_checks.check_genotype(task, sample_genotype(make_space(flag_values.space)), flag)
  experiment.check_export_precision(task, flag_values.export_precision)


def _fits(searched: Task, configs: Configs, num_replicas: int) -> bool:
  """Returns whether a training fits the data of the search, to which its own data adds the validation set."""
  try:
    data_checks.check_batches(searched, configs, "best_", num_replicas)
  except ValueError:
    return False
  return True


def _final_options(flag_values: flags.FlagValues) -> dict[str, Any]:
  """Returns the options of the task that the trainings of what was found have and the search does not."""
  options = {"train_examples": None, **experiment.traits_of(flag_values).final_options}
  if flag_values.best_validation_fraction is not None:
    options["validation_fraction"] = flag_values.best_validation_fraction
  return options


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
  options = _final_options(flag_values)
  return train.train_and_export(
    experiment.task_of(flag_values, **options),
    genotype,
    configs,
    distribution=distribution,
    seed=flag_values.seed,
    workdir=directory,
    settings={**experiment.task_settings(flag_values), **options},
    tensorboard=experiment.wants_tensorboard(flag_values),
    precision=flag_values.export_precision,
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
