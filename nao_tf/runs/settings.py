"""The settings of a run directory: `config.json`, with the settings that a search or training was started with.

A run is only resumed with the same settings.
"""

import dataclasses
import json
import os
from collections.abc import Mapping
from typing import Any

from nao_tf.runs.json_files import parse_json, read_json, write_json

CONFIG_FILE = "config.json"

RENAMED = {
  "alike": "isomorphic",
  "num_members": "ensemble_size",
  "num_neighbours": "num_neighbors",
  "num_spellings": "num_encodings",
  "num_unlabelled": "num_unlabeled",
  "unlabelled_batch_size": "unlabeled_batch_size",
}
"""Names of settings in version 0.1.0, with their names now."""

_COMPONENTS = frozenset(("strategy", "evaluator", "space", "task"))
"""Settings that say which other settings there are."""

OF_DATA = {"text": "--text_dir", "images": "--image_dir", "warm_start": "--warm_start"}
"""Settings that are digests of files, and the flags that say where these are: no flag brings back what they were."""

_PHOTOGRAPHS, _IMAGES = "photographs", "images"
"""A setting that says what another one is a digest of."""

_OF_TRAININGS = ("label_smoothing", "segment_deviation")

_ADDED: Mapping[str, Mapping[str, Any]] = {
  "label_smoothing": {
    **{"accumulate_steps": 1, "mixed_precision": "none", "warmup_epochs": 0.0, "scale_learning_rate": 0},
    **{"average_weights": "none", "average_decay": 0.999, "averaging_epoch": 0},
  },
  "segment_deviation": {"accumulate_steps": 1, "mixed_precision": "none"},
  "crop_padding": {"decay_rate": 0.97, "decay_epochs": 1, "color_jitter": 0.0, "hue_jitter": 0.0},
  "clip_ratio": {"reward_power": 1.0},
  "decoder_every": {"memory_noise": 0.0},
  "keep_weights": {
    "gaussian_share": 0.0,
    "refresh_growth": 0.0,
    "spread_initial": False,
    "ascent": "score",
    **{"ascent_steps": 1, "trust_region": False, "num_random_seeds": 0},
    "candidates": "decoded",
    "compares_graphs": False,
    "counts_parameters": False,
  },
}
"""Settings that came later, by an older one of the same component, with the values that say what was done before."""


class RunDirectoryError(Exception):
  """Raised when a run directory cannot be used."""


class ChangedSettings(RunDirectoryError):
  """Raised when a run directory was created with other settings.

  Attributes:
    recorded: the recorded values of the settings that differ; None for those that were not recorded.
  """

  def __init__(self, message: str, recorded: Mapping[str, Any]) -> None:
    """Initializes with the message and the settings."""
    super().__init__(message)
    self.recorded = dict(recorded)


def flat_settings(**configs: Any) -> dict[str, Any]:
  """Flattens configurations to a dict of settings.

  Args:
    **configs: dataclasses or JSON values. A field of a dataclass gets the key `keyword.field`.
  """
  flat: dict[str, Any] = {}
  for name, config in configs.items():
    if dataclasses.is_dataclass(config):
      parts = {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}
      flat.update({f"{name}.{key}": value for key, value in flat_settings(**parts).items()})
    else:
      flat[name] = config
  return flat


def check_settings(directory: str, settings: Mapping[str, Any]) -> None:
  """Records the settings of a new run directory, or compares them with the recorded ones.

  Args:
    directory: an existing directory.
    settings: JSON values by name.

  Raises:
    RunDirectoryError: if the directory was created with other settings; the message names each difference.
    ValueError: if a setting is not a JSON value.
  """
  settings = json_settings(settings)
  if not os.path.exists(os.path.join(directory, CONFIG_FILE)):
    write_json(os.path.join(directory, CONFIG_FILE), settings)
    return
  refuse_changes(directory, read_settings(directory), settings)


def refuse_changes(directory: str, recorded: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
  """Compares the settings that a run directory was made with to those given now.

  Raises:
    ChangedSettings: if they differ; the message names each difference.
  """
  changed = changed_settings(recorded, settings)
  if not changed:
    return
  differing = {name: renamed(recorded).get(name) for name in _changed_names(recorded, settings)}
  of_files = all(_is_of_files(name, value, settings.get(name)) for name, value in differing.items())
  kind, advice = ("data", "restore them") if of_files else ("settings", "use the old settings")
  raise ChangedSettings(
    f"{directory} was made with other {kind}: {changed}; {advice} or choose another directory", differing
  )


def json_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
  """Returns settings as they will be read from a JSON file.

  Raises:
    ValueError: if one is not a JSON value, or a number that is not finite or too large.
  """
  for name, value in settings.items():
    try:
      parse_json(json.dumps(value, allow_nan=False).encode(), name)
    except (TypeError, ValueError) as error:
      raise ValueError(f"setting {name}: expected a JSON value with finite numbers, got {value!r}") from error
  return dict(json.loads(json.dumps(settings)))


def changed_settings(recorded: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
  """Returns which settings differ, "seed was 1, is 2", and which files; an empty text if none does.

  If a component such as the strategy differs, settings that only one of both has are left out: they belong to it.

  Args:
    recorded: what was written down, by this version or an earlier one.
    settings: what is given now.
  """
  names = _changed_names(recorded, settings)
  recorded, settings = renamed(recorded), renamed(settings)
  if not _COMPONENTS.isdisjoint(names):
    names = [name for name in names if name in recorded and name in settings] or names
  return "; ".join(_difference(name, recorded.get(name), settings.get(name)) for name in names)


def without_additions(settings: Mapping[str, Any]) -> dict[str, Any]:
  """Returns settings without those of trainings that came later and say what was done before.

  Directories that are named after settings so keep their names.
  """
  older = {name: value for name, value in settings.items() if name.rpartition(".")[2] in _OF_TRAININGS}
  added = _added(older)
  return {name: value for name, value in settings.items() if name not in added or value != added[name]}


def read_settings(directory: str) -> dict[str, Any]:
  """Returns the settings that a run directory was made with, under their present names.

  Raises:
    RunDirectoryError: if there are none, or they are corrupt.
  """
  path = os.path.join(directory, CONFIG_FILE)
  if not os.path.exists(path):
    raise RunDirectoryError(
      f"{directory}: no {CONFIG_FILE} here; expected the work directory of a search or a training"
    )
  try:
    return renamed(dict(read_json(path)))
  except (ValueError, TypeError) as error:
    raise RunDirectoryError(f"{path}: not the settings of a run ({error})") from error


def renamed(settings: Mapping[str, Any]) -> dict[str, Any]:
  """Returns settings under their present names, nested ones too, with those that have come since then.

  Only the part behind the last dot of a name is renamed.
  """
  present = {
    _renamed(name): renamed(value) if isinstance(value, Mapping) else value for name, value in settings.items()
  }
  return {**_added(present), **present}


def _changed_names(recorded: Mapping[str, Any], settings: Mapping[str, Any]) -> list[str]:
  """Returns the present names of the settings that differ, without those that differ because another one does."""
  recorded, settings = renamed(recorded), renamed(settings)
  names = [name for name in sorted({*recorded, *settings}) if recorded.get(name) != settings.get(name)]
  return [name for name in names if name != _IMAGES] if _PHOTOGRAPHS in names else names


def _difference(name: str, was: Any, now: Any) -> str:
  """Returns in words how a setting differs."""
  if _is_of_files(name, was, now):
    return f"files of {OF_DATA[name]} were added, removed or changed since, or it is another one"
  return f"{name} was {was!r}, is {now!r}"


def _is_of_files(name: str, was: Any, now: Any) -> bool:
  """Returns whether both values of a setting are digests of files."""
  return name in OF_DATA and None not in (was, now)


def _renamed(name: str) -> str:
  prefix, dot, last = name.rpartition(".")
  return prefix + dot + RENAMED.get(last, last)


def _added(settings: Mapping[str, Any]) -> dict[str, Any]:
  """Returns the settings that were added to the components of these settings, with their values of before."""
  places = [name.rpartition(".") for name in settings]
  return {prefix + dot + name: value for prefix, dot, last in places for name, value in _ADDED.get(last, {}).items()}
