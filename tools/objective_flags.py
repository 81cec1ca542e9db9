"""Flags of multi-objective searches: the objectives, and the export of the Pareto set."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from absl import flags

from nao_tf.objectives import OBJECTIVES, Objectives, objectives_of
from nao_tf.objectives.objectives import Known
from nao_tf.runs.places import check_writable, checked_directory
from nao_tf.searches import known_costs
from nao_tf.searches.choices import check_takes
from nao_tf.searches.known_costs import known_of_networks, known_of_table
from nao_tf.searches.one_shot import ONE_SHOT_SEARCHES
from nao_tf.tables import read_table
from nao_tf.tools import experiment

if TYPE_CHECKING:
  from nao_tf.spaces.base import SearchSpace
  from nao_tf.tasks.base import Configs, Task


class ObjectivesParser(flags.ArgumentParser[tuple[str, ...]]):
  """Reads two or more objectives, separated by commas; of an empty text, none."""

  def parse(self, argument: str | Sequence[str]) -> tuple[str, ...]:
    """Returns the objectives with their directions, "accuracy:max".

    Raises:
      ValueError: if one is unknown, there is only one, or one comes twice.
    """
    words = argument.split(",") if isinstance(argument, str) else argument
    found = objectives_of([word.strip() for word in words if word.strip()])
    return () if found is None else tuple(map(str, found.members))

  def flag_type(self) -> str:
    """Returns what the flag takes, in words."""
    return "objectives, separated by commas"


class ObjectivesSerializer(flags.ArgumentSerializer[tuple[str, ...]]):
  """Writes objectives as the parser reads them."""

  def serialize(self, value: Sequence[str]) -> str:
    """Returns the objectives separated by commas."""
    return ",".join(value)


def define(flag_values: flags.FlagValues, name: str = "objectives") -> None:
  """Defines the flag that names the objectives.

  Args:
    flag_values: where to define the flags.
    name: name of the flag.
  """
  help_ = (
    f"objectives of a multi-objective search: two or more of {', '.join(OBJECTIVES)}, separated by commas; or metrics of"
    " your own evaluator with their directions, such as f1:max,energy:min"
  )
  flags.DEFINE(ObjectivesParser(), name, (), help_, flag_values, ObjectivesSerializer())


def define_measuring(flag_values: flags.FlagValues) -> None:
  """Defines the flag that says how latencies are measured."""
  help_ = "batch size at which the objective latency is measured, in milliseconds on this machine"
  flags.DEFINE_integer("latency_batch_size", 1, help_, 1, flag_values=flag_values)


def check(flag_values: flags.FlagValues) -> None:
  """Checks that the strategy, the evaluator and the other flags fit the objectives, before any data is read.

  Raises:
    ValueError: if they do not.
    OSError: if networks cannot be exported to where they are to be.
  """
  names = flag_values.objectives
  if flag_values.export_pareto is not None:
    _check_export(flag_values)
  if not names:
    return
  _check_others(flag_values)
  try:
    check_takes(flag_values.strategy, names)
    known_costs.check_evaluator(names, flag_values.evaluator)
    known_costs.check_kind(names, flag_values.evaluator, experiment.traits_of(flag_values).kind)
  except ValueError as error:
    raise ValueError(f"--objectives={','.join(names)}: {error}") from error


def _check_others(flag_values: flags.FlagValues) -> None:
  """Checks that no flag is given that is about one reward."""
  if flag_values.strategy in ONE_SHOT_SEARCHES:
    raise ValueError(
      f"--strategy={flag_values.strategy} does not support --objectives: it trains one supernet for all architectures"
    )
  if flag_values.rungs:
    raise ValueError("--rungs promotes trials by their rewards; it cannot be combined with --objectives")
  for name in ("warm_start", "proxies"):
    if flag_values[name].value:
      raise ValueError(f"--{name} helps NAO to predict one reward; it cannot be combined with --objectives")
  if flag_values.rerank:
    raise ValueError(
      "--rerank evaluates the trials with the best rewards again; it cannot be combined with --objectives"
    )


def _check_export(flag_values: flags.FlagValues) -> None:
  """Checks that there will be networks to export, and that the directory for them can be written."""
  if not flag_values.objectives:
    raise ValueError("--export_pareto needs --objectives: a search for the reward alone has one best network")
  if flag_values.evaluator == "tabular":
    raise ValueError("--export_pareto needs --evaluator=training: a table has no data to train on")
  check_writable(checked_directory(flag_values.export_pareto, "--export_pareto"))


def sought(
  flag_values: flags.FlagValues, space: "SearchSpace", configs: "Configs", task: "Task | None" = None
) -> Objectives | None:
  """Returns the objectives of a search; None for the reward alone.

  Args:
    flag_values: the flags.
    space: the search space.
    configs: how networks are built.
    task: what is learned; None: it is made if it is needed.

  Raises:
    ValueError: if the networks have no such objective.
  """
  names, is_table = flag_values.objectives, flag_values.evaluator == "tabular"
  if not names:
    return None
  if not is_table and task is None:
    task = experiment.task_of(flag_values)
  known: Mapping[str, Known] = {}
  if task is not None:
    known = known_of_networks(space, configs.network_config, task)
  elif flag_values.table is not None:
    known = known_of_table(read_table(flag_values.table))
  try:
    return known_costs.sought(names, known, flag_values.evaluator, task)
  except ValueError as error:
    raise ValueError(f"--objectives: {error}") from error


def settings(flag_values: flags.FlagValues) -> dict[str, Any]:
  """Returns what the flags determine of a search; nothing if it is one for the reward alone."""
  return known_costs.settings_of(_objectives(flag_values), latency_batch_size(flag_values))


def names(flag_values: flags.FlagValues) -> tuple[str, ...]:
  """Returns the names of the objectives, without directions; none for the reward alone."""
  found = _objectives(flag_values)
  return () if found is None else found.names


def latency_batch_size(flag_values: flags.FlagValues) -> int:
  """Returns the number of examples of a batch that latencies are measured with; 1 for a command without that flag."""
  return int(flag_values.latency_batch_size) if "latency_batch_size" in flag_values else 1


def _objectives(flag_values: flags.FlagValues) -> Objectives | None:
  """Returns the objectives that the flags name, if the command has such a flag."""
  return objectives_of(flag_values.objectives) if "objectives" in flag_values else None
