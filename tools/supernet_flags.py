"""The flag that names a trained supernet, and what is constructed from the recorded flags of its search."""

import dataclasses
import functools
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from absl import flags

from nao_tf.benchmarks.strategy_benchmark import BenchmarkConfig, Run
from nao_tf.runs.settings import read_settings
from nao_tf.spaces import make_space
from nao_tf.tools import evaluator_flags, experiment, flagging, quiet, recorded_flags, search, strategy_flags

if TYPE_CHECKING:
  from nao_tf.benchmarks.supernet_benchmark import SupernetScores

_DATA = ("data_dir", "text_dir", "image_dir")
_OF_TABLES = ("objective", "report", "stop_at_best", "objectives")


def define(flag_values: flags.FlagValues) -> None:
  """Defines the flags that say which supernet scores, and where its data is."""
  help_ = (
    "work directory of a search with --evaluator=shared_weights, whose supernet scores architectures instead of a table"
  )
  flags.DEFINE_string("supernet", None, help_, flag_values=flag_values)
  experiment.define_data_flags(flag_values)


def check(flag_values: flags.FlagValues) -> None:
  """Checks that the flags fit together and the directory is that of a search with a supernet of the space.

  Raises:
    ValueError: if they do not, or it is not.
    OSError: if there is no such directory, or no data at its place.
    RunDirectoryError: if it is not the work directory of a search.
  """
  directory = flag_values.supernet
  for name in _OF_TABLES:
    if flag_values[name].value:
      raise ValueError(f"--{name} needs --table: with --supernet there is one objective, the score")
  if not os.path.isdir(directory):
    raise FileNotFoundError(f"--supernet={directory}: there is no such directory")
  settings = read_settings(directory)
  if settings.get("evaluator") != "shared_weights":
    made = f"--strategy={settings.get('strategy')} and --evaluator={settings.get('evaluator')}"
    raise ValueError(f"--supernet={directory}: expected a search with --evaluator=shared_weights, got one with {made}")
  if settings.get("space") != flag_values.space:
    raise ValueError(
      f"--supernet={directory}: this is a supernet of {settings.get('space')}, but --space is {flag_values.space}"
    )
  values = _values_of(directory, _data(flag_values))
  experiment.check_files(values)
  experiment.check_text(settings, values)


def runs(flag_values: flags.FlagValues) -> list[Run]:
  """Returns the searches that the flags describe.

  Raises:
    ValueError: if the supernet is not trained to the end.
  """
  quiet.load_tensorflow()
  from nao_tf.benchmarks.supernet_benchmark import check_trained, make_runs

  directory, recorded = flag_values.supernet, read_settings(flag_values.supernet)
  check_trained(directory, int(recorded["shared_training.epochs"]))
  return make_runs(
    *strategy_flags.strategies_and_seeds(flag_values),
    flagging.build(BenchmarkConfig(directory), flag_values),
    flag_values.workdir,
  )


def search_of(flag_values: flags.FlagValues) -> Callable[[Run], None]:
  """Returns what runs a search, wherever it is called."""
  from nao_tf.benchmarks.supernet_benchmark import SupernetSearch

  return SupernetSearch(functools.partial(make_scores, flag_values.supernet, _data(flag_values)))


def make_scores(directory: str, data: list[str]) -> "SupernetScores":
  """Returns the scores with a supernet, in a process that computes nothing else.

  Args:
    directory: directory of the search that trained it.
    data: flags that say where its data is, if it is elsewhere now.
  """
  values, settings = _values_of(directory, data), read_settings(directory)
  distribution = experiment.prepare_process(values)
  from nao_tf.benchmarks.supernet_benchmark import SupernetScores

  context = evaluator_flags.context(values, make_space(values.space), distribution)
  make_task = functools.partial(experiment.recorded_task, settings, values)
  return SupernetScores.from_context(dataclasses.replace(context, make_task=make_task))


def _data(flag_values: flags.FlagValues) -> list[str]:
  """Returns the flags of the data that were given."""
  return [f"--{name}={os.path.abspath(value)}" for name in _DATA if (value := flag_values[name].value) is not None]


def _values_of(directory: str, data: list[str]) -> flags.FlagValues:
  """Returns the flags of the search in a directory, with its data where other flags say."""
  argv = [search.COMMAND, *recorded_flags.of(search.COMMAND, directory), *data, f"--workdir={directory}"]
  values = flags.FlagValues()
  search.define_flags(values, argv)
  values(argv)
  return values
