"""Checks of `oracle.json`, the state of an oracle on disk, which may be damaged or of another program."""

import itertools
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from keras_tuner import HyperParameters
from keras_tuner.engine.hyperparameters import HyperParameter

from nao_tf.spaces.hyperparameters import check_namesakes
from nao_tf.spaces.plain_values import plain_hyperparameter, plain_value, plain_values


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
  check_space(space)
  check_namesakes(space)
  plain_values(config["values"], "values")


def check_space(space: Sequence[HyperParameter]) -> None:
  """Checks what KerasTuner takes from the configuration of hyperparameters as it is.

  Raises:
    ValueError: if a name is no string, or a value is not a finite number, a string or a bool.
  """
  for hp in space:
    if not all(isinstance(name, str) for name in (hp.name, *(condition.name for condition in hp.conditions))):
      raise ValueError(f"expected names of hyperparameters to be strings, got {hp!r:.80}")
    plain_hyperparameter(hp)
    for value in itertools.chain(*(condition.values for condition in hp.conditions)):
      plain_value(value, f"condition of hyperparameter {hp.name!r}")


def check_order(told_before: Sequence[int], start_order: Sequence[str], end_order: Sequence[str]) -> None:
  """Checks that no trial has ended before it was started.

  Args:
    told_before: how many trials had ended when each was started.
    start_order: ids in the order in which trials were started.
    end_order: ids in the order in which they ended.

  Raises:
    ValueError: if one has.
  """
  numbers = {trial_id: number for number, trial_id in enumerate(start_order)}
  latest = [-1, *itertools.accumulate((numbers[trial_id] for trial_id in end_order), max)]
  for number, count in enumerate(told_before):
    if count >= len(latest) or latest[count] >= number:
      raise ValueError(
        f"told_before: {count} trials cannot have ended before trial {start_order[number]!r} was started"
      )


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
