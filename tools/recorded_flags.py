"""The recorded flags of a run, `command.json` in its work directory, so that `--workdir` alone resumes it.

Settings that determine the run are also in `config.json`, from which runs of other versions are resumed. The command
line overrides both: it may add flags, such as `--train_best` or a larger `--num_trials`. Changes to the settings of a
run that has started are still refused.
"""

import contextlib
import glob
import os
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from absl import flags

from nao_tf import fields, registries
from nao_tf.runs.journal import TRIALS_FILE, read_search, read_trials
from nao_tf.runs.json_files import read_json, write_json
from nao_tf.runs.settings import (
  CONFIG_FILE,
  OF_DATA,
  ChangedSettings,
  RunDirectoryError,
  json_settings,
  read_settings,
  refuse_changes,
)
from nao_tf.searches.one_shot import is_one_shot, one_shot_search
from nao_tf.searches.one_shot.base import TRAINING
from nao_tf.searches.status import HISTORY_FILE
from nao_tf.strategies import STRATEGIES
from nao_tf.tools import component_flags, flag_groups
from nao_tf.tools.shell_lines import shell_argument
from nao_tf.training.history import CHECKPOINTS

COMMAND_FILE = "command.json"
TUNER_DIRECTORY = "tuner"
"""The project of `nao-tune` in its work directory."""
_SHOWN = 3
"""A hint names at most so many flags."""

PATHS = ("data_dir", "text_dir", "image_dir", "decoded_dir", "table", "architecture", "warm_start")
"""Flags whose values are paths, if there is a file of that name. They are recorded so that they do not depend on the
current directory."""

_MADE = ("decoded_dir",)
"""Those of `PATHS` that may not exist yet."""

_PLAIN = (
  *("task", "train_examples", "validation_fraction", "image_size", "max_vocabulary", "hold_out", "class_weight"),
  "photographs",
  *("space", "strategy", "evaluator", "reward", "seed", "batch_size", "first_batch_size"),
  *("max_parameters", "max_multiply_adds", "executions_per_trial", "max_retries_per_trial"),
  *("rungs", "reduction", "promotion"),
  *("objectives", "latency_batch_size"),
)
_CONTROLLER = "controller"
_TRAINING = {"network.": "", "training.": ""}
_SEARCH = {
  "network.": "child_",
  "training.": "child_",
  "shared_network.": "shared_",
  "shared_training.": "shared_",
  "sharing.": "shared_",
  f"options.{_CONTROLLER}.": f"{_CONTROLLER}_",
}
_COMPUTED = "drop_path_steps"
_FREE = frozenset(
  (
    *("workdir", "num_trials", "train_best", "rerank", "trial_timeout", "trial_retries", "verbosity", "num_replicas"),
    *("tensorboard", "max_epochs", "export_pareto", "export_precision"),
    *("distribution", "checkpoint_seconds", "checkpoint_steps", "nan_rate_factor", "jit_compile"),
    *flag_groups.EXECUTION,
  )
)
"""Flags that do not say what run it is. A run that has not begun is taken up if there are only these."""


def given(flag_values: flags.FlagValues, only: Collection[str] | None = None) -> list[str]:
  """Returns the flags that were given, as they can be given again, without those whose values are not Unicode.

  Args:
    flag_values: the flags.
    only: names of the flags that matter; None: all.
  """
  names = [name for name in flag_values if flag_values[name].present and _is_recorded(name, flag_values)]
  names = names if only is None else [name for name in only if name in names]
  arguments = [_argument(name, flag_values[name].value) for name in names if flag_values[name].value is not None]
  return [argument for argument in arguments if _is_unicode(argument)]


def _is_unicode(argument: str) -> bool:
  """Returns whether an argument can be recorded. A path with bytes that are not UTF-8 cannot."""
  return argument == argument.encode("utf-8", "replace").decode("utf-8")


def _is_recorded(name: str, flag_values: flags.FlagValues) -> bool:
  module = flag_values.find_module_defining_flag(name) or ""
  return name != "workdir" and not str(module).startswith("absl.")


def record(command: str, flag_values: flags.FlagValues) -> None:
  """Writes the flags of a run into its work directory, which exists."""
  path = os.path.join(flag_values.workdir, COMMAND_FILE)
  write_json(path, {"command": command, "flags": given(flag_values)})


def check_search(command: str, directory: str, settings: Mapping[str, Any]) -> None:
  """Checks that a search that has begun goes on with the settings that it was made with. Call it before `record`.

  Args:
    command: the name of the command.
    directory: the work directory.
    settings: that determine the search, as the flags say.

  Raises:
    RunDirectoryError: if it does not; the message says which flags go on with it.
  """
  if _has_begun(directory):
    with hinted(command, directory):
      refuse_changes(directory, _bound_settings(directory), json_settings(settings))


@contextlib.contextmanager
def hinted(command: str, directory: str) -> Iterator[None]:
  """Says which flags go on with a run, in an error about settings that are not those of the run.

  Args:
    command: the name of the command.
    directory: the work directory.

  Raises:
    RunDirectoryError: with the message of the error and the flags.
  """
  try:
    yield
  except ChangedSettings as error:
    raise RunDirectoryError(f"{error}{_hint(command, directory, error.recorded)}") from error


def _bound_settings(directory: str) -> dict[str, Any]:
  """Returns the settings that a run that has begun was made with."""
  training = os.path.join(directory, TRAINING)
  if _has_trials(directory):
    return read_search(directory)[0]
  return read_settings(training if _has_checkpoints(training) else directory)


def _hint(command: str, directory: str, recorded: Mapping[str, Any]) -> str:
  """Returns how a run goes on whose settings were others; an empty text if that is not a matter of flags."""
  bound = _bound_settings(directory)
  if ("genotype" if command == "train" else "strategy") not in bound or not OF_DATA.keys().isdisjoint(recorded):
    return ""
  prefixes = _prefixes(command, bound)
  names = {_flag_name(key, prefixes): value for key, value in recorded.items()}
  alone = f"{shell_argument(f'--workdir={directory}')} alone"
  if len(names) > _SHOWN or "" in names or None in names.values():
    return f"; to resume, pass {alone}"
  return (
    f"; to resume, pass {' '.join(shell_argument(_argument(name, value)) for name, value in names.items())}, or {alone}"
  )


def count(directory: str, flag: str) -> int | None:
  """Returns the number in a flag, such as `num_trials`, when a run was last begun; None if it is not on record."""
  for argument in reversed(_of_command(directory, None)):
    name, _, value = argument.partition("=")
    if name == f"--{flag}" and value.isdigit():
      return int(value)
  return None


def of(command: str, directory: str) -> list[str]:
  """Returns the flags with which a run is taken up again; none for a new one.

  Args:
    command: the name of the command, "search".
    directory: the work directory.

  Raises:
    RunDirectoryError: if the directory is that of another command, or what is recorded cannot be read.
  """
  recorded = _of_command(directory, command)
  return [*recorded, *_of_settings(directory, command)]


def taken_up(command: str, argv: Sequence[str]) -> list[str]:
  """Returns a command line with the flags of the run that it takes up, in front of its own.

  A run in which nothing was finished is not binding: other flags then describe a new run.

  Args:
    command: the name of the command.
    argv: the name of the program and its arguments, those of flagfiles included.

  Raises:
    RunDirectoryError: see `of`.
  """
  directory = workdir_of(argv)
  if directory is None or not (_has_begun(directory) or _is_free(argv)):
    return list(argv)
  recorded = of(command, directory)
  if not _is_run(directory) and not os.path.isfile(directory):
    print(f"{directory}: nothing to resume here; starting a new run with the default settings", file=sys.stderr)
  replaced = _replaced_by_preset(recorded, argv)
  kept = [flag for flag in recorded if not flag.lstrip("-").removeprefix("no").startswith(replaced)]
  return [*argv[:1], *kept, *argv[1:]]


def _replaced_by_preset(recorded: Sequence[str], argv: Sequence[str]) -> tuple[str, ...]:
  """Returns the prefixes of recorded flags whose values are to be replaced by a preset on the command line.

  A preset that is the recorded one replaces nothing: its values may differ in another version.
  """
  before = ["", *recorded]
  strategies = component_flags.named(before, "strategy")
  if not strategies:
    return ()
  prefix = _strategy_prefix(strategies[-1])

  def is_other(flag: str, default: list[str]) -> bool:
    given = component_flags.named(argv, flag)
    return bool(given) and given != (component_flags.named(before, flag) or default)

  if is_other(f"{prefix}_preset", ["default"]):
    return f"{prefix}_", f"{_CONTROLLER}_"
  return (f"{_CONTROLLER}_",) if is_other(f"{prefix}_{_CONTROLLER}", []) else ()


def _is_run(directory: str) -> bool:
  """Returns whether a run was started in a directory, even if nothing was finished."""
  return any(os.path.exists(os.path.join(directory, name)) for name in (COMMAND_FILE, CONFIG_FILE))


def _has_begun(directory: str) -> bool:
  """Returns whether something was finished in a work directory: a trial or an epoch; with KerasTuner, begun.

  A one-shot search has begun with the first checkpoint of its network, which may come long before the end of an epoch.
  """
  if os.path.exists(os.path.join(directory, TRIALS_FILE)):
    return _has_trials(directory) or _has_checkpoints(os.path.join(directory, TRAINING))
  return os.path.exists(os.path.join(directory, HISTORY_FILE)) or has_tuner_trials(directory)


def _has_trials(directory: str) -> bool:
  """Returns whether a search has finished a trial."""
  has_journal = os.path.exists(os.path.join(directory, TRIALS_FILE))
  return has_journal and any(trial.evaluation is not None for trial in read_trials(directory))


def _has_checkpoints(directory: str) -> bool:
  """Returns whether a training has written a checkpoint."""
  return bool(glob.glob(os.path.join(glob.escape(directory), CHECKPOINTS, "*.index")))


def has_tuner_trials(directory: str) -> bool:
  """Returns whether `nao-tune` has begun a trial in a work directory."""
  return bool(glob.glob(os.path.join(glob.escape(directory), TUNER_DIRECTORY, "trial_*")))


def _is_free(argv: Sequence[str]) -> bool:
  names = {argument.lstrip("-").partition("=")[0] for argument in argv[1:] if argument.startswith("-")}
  return all(name in _FREE or name.removeprefix("no") in _FREE or name.startswith("best_") for name in names)


def _of_command(directory: str, command: str | None) -> list[str]:
  path = os.path.join(directory, COMMAND_FILE)
  if not os.path.exists(path):
    return []
  try:
    row = fields.members(read_json(path), "a command", ("command", "flags"))
    recorded = [fields.text(argument, "a flag") for argument in fields.elements(row["flags"], "flags")]
  except ValueError as error:
    raise RunDirectoryError(f"{path}: not the flags of a run ({error}); the file may be deleted") from error
  if command is not None and row["command"] != command:
    raise RunDirectoryError(f"{directory}: is the work directory of nao-{row['command']}; choose another one")
  return recorded


def _of_settings(directory: str, command: str) -> list[str]:
  """Returns the flags of a search or a training that say what its settings say."""
  if not os.path.exists(os.path.join(directory, CONFIG_FILE)):
    return []
  settings = read_settings(directory)
  prefixes = _prefixes(command, settings)
  named = {_flag_name(key, prefixes): value for key, value in settings.items()}
  return [_argument(name, value) for name, value in named.items() if name and value is not None]


def _prefixes(command: str, settings: Mapping[str, Any]) -> dict[str, str]:
  """Returns what flags begin with, by what the names of their settings begin with."""
  prefixes = dict(_TRAINING if command == "train" else _SEARCH)
  if "strategy" in settings:
    prefixes["options."] = _strategy_prefix(str(settings["strategy"])) + "_"
  return prefixes


def _strategy_prefix(name: str) -> str:
  """Returns what the flags of a strategy or of a one-shot search begin with."""
  return one_shot_search(name).prefix if is_one_shot(name) else registries.prefix_of(name, STRATEGIES)


def _flag_name(key: str, prefixes: Mapping[str, str]) -> str:
  """Returns the flag for a setting; an empty text if there is none."""
  if key in _PLAIN:
    return key
  prefix = next((prefix for prefix in prefixes if key.startswith(prefix)), None)
  return "" if prefix is None or key.endswith(_COMPUTED) else prefixes[prefix] + key.removeprefix(prefix)


def _argument(name: str, value: Any) -> str:
  """Returns a flag as it is given on a command line."""
  if isinstance(value, bool):
    return f"--{'' if value else 'no'}{name}"
  if isinstance(value, (list, tuple)):
    return f"--{name}={','.join(map(str, value))}"
  is_path = name in PATHS and (name in _MADE or os.path.exists(str(value)))
  return f"--{name}={os.path.abspath(value) if is_path else value}"


def workdir_of(argv: Sequence[str]) -> str | None:
  """Returns the work directory that a command line names."""
  named = component_flags.named(argv, "workdir")
  return ",".join(named) or None
