"""Settings of a run directory: `config.json`, which says what a search or a training was made with.

A directory is continued only with the settings it was made with.
"""

import json
import os
from collections.abc import Mapping
from typing import Any

CONFIG_FILE = "config.json"


class RunDirectoryError(Exception):
  """A run directory cannot be used."""


def check_settings(directory: str, settings: Mapping[str, Any]) -> None:
  """Writes the settings of a new run directory; compares them with those of an old one.

  Args:
    directory: exists.
    settings: JSON values by name.

  Raises:
    RunDirectoryError: if the directory was made with other settings; the message names each.
  """
  settings = json.loads(json.dumps(settings))
  if not os.path.exists(os.path.join(directory, CONFIG_FILE)):
    write_json(os.path.join(directory, CONFIG_FILE), settings)
    return
  recorded = read_settings(directory)
  changed = [
    f"{name} was {recorded.get(name)!r}, is {settings.get(name)!r}"
    for name in sorted({*recorded, *settings})
    if recorded.get(name) != settings.get(name)
  ]
  if changed:
    raise RunDirectoryError(
      f"{directory} was made with other settings: {'; '.join(changed)}; go on with the old ones or choose another directory"
    )


def read_settings(directory: str) -> dict[str, Any]:
  """Returns the settings that a run directory was made with.

  Raises:
    RunDirectoryError: if there are none, or they are corrupt.
  """
  path = os.path.join(directory, CONFIG_FILE)
  if not os.path.exists(path):
    raise RunDirectoryError(
      f"{directory}: no {CONFIG_FILE} here; expected the work directory of a search or a training"
    )
  with open(path, encoding="utf-8") as file:
    try:
      return dict(json.load(file))
    except (ValueError, TypeError) as error:
      raise RunDirectoryError(f"{path}: not the settings of a run ({error})") from error


def write_json(path: str, value: Any) -> None:
  """Writes a JSON file so that at any moment there is either the old one or the new one."""
  temporary = f"{path}.tmp"
  with open(temporary, "w", encoding="utf-8") as file:
    json.dump(value, file, indent=2)
    file.write("\n")
  os.replace(temporary, path)
