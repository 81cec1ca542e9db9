"""Checks of `oracle.json`, the state of an oracle on disk, which may be damaged or of another program."""

from collections.abc import Collection, Mapping
from typing import Any

from keras_tuner import HyperParameters

from nao_tf.spaces.hyperparameters import check_namesakes
from nao_tf.spaces.plain_values import plain_hyperparameter


class OtherProject(ValueError):
  """The project in a directory was made with other settings."""


def check_oracle_state(state: Any, trial_ids: Collection[str]) -> None:
  """Checks what every oracle reads from its state.

  Args:
    state: a JSON value.
    trial_ids: ids of the trials whose files can be read.

  Raises:
    ValueError: if something is missing, is of another type, or names a trial that there is not.
  """
  if not isinstance(state, dict):
    raise ValueError(f"expected an object, got {type(state).__name__}")
  started = dict.fromkeys(_ids(state, "start_order"))
  lost = [trial_id for trial_id in started if trial_id not in trial_ids]
  if lost:
    raise ValueError(f"trial {lost[0]!r} was started, but it has no trial.json")
  for key, ids in (
    ("end_order", _ids(state, "end_order")),
    ("retry_queue", _ids(state, "retry_queue")),
    ("ongoing_trials", list(_object(state, "ongoing_trials").values())),
    ("run_times", list(_counts(state, "run_times"))),
  ):
    unknown = [trial_id for trial_id in ids if trial_id not in started]
    if unknown:
      raise ValueError(f"{key}: trial {unknown[0]!r} was never started")
  for key in ("seed", "seed_state"):
    if not is_count(state[key]):
      raise ValueError(f"{key}: expected an integer of at least 0, got {state[key]!r}")
  check_hyperparameters(state["hyperparameters"])


def check_hyperparameters(config: dict[str, Any]) -> None:
  """Checks the configuration of a `keras_tuner.HyperParameters`.

  Raises:
    ValueError: if the values of a hyperparameter are none, or two of one name contradict each other.
  """
  space = HyperParameters.from_config({**config, "space": [_copied(entry) for entry in config["space"]]}).space
  if not all(isinstance(hp.name, str) for hp in space):
    raise ValueError("expected names of hyperparameters to be strings")
  check_namesakes([plain_hyperparameter(hp) for hp in space])


def is_count(value: Any) -> bool:
  """Returns whether a value is an integer of at least 0."""
  return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _copied(entry: Mapping[str, Any]) -> dict[str, Any]:
  """Returns an entry that KerasTuner may change while it reads it."""
  return {**entry, "config": dict(entry["config"])}


def _ids(state: Mapping[str, Any], key: str) -> list[str]:
  ids = state[key]
  if not isinstance(ids, list) or not all(isinstance(trial_id, str) for trial_id in ids) or len(set(ids)) < len(ids):
    raise ValueError(f"{key}: expected a list of different ids, got {ids!r:.80}")
  return ids


def _object(state: Mapping[str, Any], key: str) -> dict[str, Any]:
  if not isinstance(state[key], dict):
    raise ValueError(f"{key}: expected an object, got {state[key]!r:.80}")
  return state[key]


def _counts(state: Mapping[str, Any], key: str) -> dict[str, int]:
  counts = _object(state, key)
  if not all(map(is_count, counts.values())):
    raise ValueError(f"{key}: expected integers of at least 0, got {counts!r:.80}")
  return counts
