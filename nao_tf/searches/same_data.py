"""Checks that a search goes on, or is read, with the data that it was made with."""

import os
from collections.abc import Mapping
from typing import Any

from nao_tf.runs.journal import TRIALS_FILE, read_search
from nao_tf.runs.settings import RunDirectoryError

_FILES_OF_THE_COMMAND = "folder"
"""The task of images in files of the command line, which has a checksum of the files on record."""
_DATA = "data."
"""The names of the settings that tell data from other data begin so; see `nao_tf.tasks.given_task.TaskInput`."""


def check_same_data(directory: str, settings: Mapping[str, Any]) -> None:
  """Checks that a search that was begun in a directory was begun with these data. Without a closed trial it was not.

  Args:
    directory: directory of the search; it need not exist.
    settings: those of the data that are given now.

  Raises:
    RunDirectoryError: if it was begun with others.
  """
  if not os.path.exists(os.path.join(directory, TRIALS_FILE)):
    return
  recorded, trials = read_search(directory)
  if any(trial.evaluation is not None for trial in trials):
    refuse_other_data(directory, recorded, settings)


def check_same_task(directory: str, recorded: Mapping[str, Any], settings: Mapping[str, Any], x: Any) -> None:
  """Checks that the task and the data of a search on record are those that are given now.

  Args:
    directory: directory of the search.
    recorded: settings of the search, of `nao_tf.search` or of `nao-search`.
    settings: those of the data that are given now.
    x: the data that are given now.

  Raises:
    RunDirectoryError: if they differ.
  """
  if recorded["task"] == _FILES_OF_THE_COMMAND and isinstance(x, (str, os.PathLike)):
    _check_files(directory, recorded, x)
  elif settings["task"] != recorded["task"]:
    raise RunDirectoryError(
      f"{directory}: was made with the task {recorded['task']}, got data of the task {settings['task']}"
    )
  elif settings.get("text") != recorded.get("text"):
    raise RunDirectoryError(f"{directory}: was made with another text")
  refuse_other_data(directory, recorded, settings)


def _check_files(directory: str, recorded: Mapping[str, Any], path: str | os.PathLike[str]) -> None:
  from nao_tf.tasks.own_files import files_fingerprint

  if files_fingerprint(os.fspath(path)) != recorded.get("images"):
    raise RunDirectoryError(f"{directory}: was made with other images than those of {os.fspath(path)}")


def refuse_other_data(directory: str, recorded: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
  """Raises RunDirectoryError if the settings of a search record other data than settings of data that are given now."""
  names = [name for name in settings if name.startswith(_DATA) and name in recorded]
  changed = [name.removeprefix(_DATA) for name in names if recorded[name] != settings[name]]
  if not changed:
    return
  there, here = (_sizes(values) for values in (recorded, settings))
  raise RunDirectoryError(
    f"{directory}: was made with other data, which differ in {', '.join(changed)}: recorded {there}, given {here};"
    " choose another workdir for the new data"
  )


def _sizes(settings: Mapping[str, Any]) -> str:
  """Returns the number of examples, in words."""
  shape = settings.get(f"{_DATA}shape")
  return f"{settings.get(f'{_DATA}lines')} lines" if shape is None else f"images {tuple(shape)}"
