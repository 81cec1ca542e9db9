"""Checks of `oracle.json`, the state of an oracle on disk, which may be damaged or written by another program."""

import itertools
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from keras_tuner import HyperParameters
from keras_tuner.engine.hyperparameters import HyperParameter

from nao_tf import fields
from nao_tf.spaces.hyperparameters import check_namesakes
from nao_tf.spaces.plain_values import plain_hyperparameter, plain_value, plain_values

_REQUIRED = (
  *("start_order", "end_order", "retry_queue", "ongoing_trials", "run_times", "seed", "seed_state", "hyperparameters"),
  *("tried_so_far", "id_to_hash", "display"),
)


class OtherProject(ValueError):
  """Raised if the project in a directory was created with other settings."""


def check_oracle_state(state: Any, trial_ids: Collection[str]) -> None:
  """Checks the parts of a state that every oracle reads.

  Args:
    state: a JSON value.
    trial_ids: ids of the trials whose files can be read.

  Raises:
    ValueError: if something is missing, has the wrong type, or names a trial that does not exist.
  """
  fields.members(state, "the state of an oracle", _REQUIRED, state)
  started = dict.fromkeys(_ids(state, "start_order"))
  lost = [trial_id for trial_id in started if trial_id not in trial_ids]
  if lost:
    raise ValueError(f"trial {lost[0]!r} was started, but it has no trial.json")
  for key, ids in (
    ("end_order", _ids(state, "end_order")),
    ("retry_queue", _ids(state, "retry_queue")),
    ("ongoing_trials", list(fields.mapping(state["ongoing_trials"], "ongoing_trials").values())),
    ("run_times", list(fields.mapping(state["run_times"], "run_times"))),
  ):
    unknown = [trial_id for trial_id in ids if fields.text(trial_id, key) not in started]
    if unknown:
      raise ValueError(f"{key}: trial {unknown[0]!r} was never started")
  fields.integers(list(state["run_times"].values()), "run_times", 0)
  for key in ("seed", "seed_state"):
    fields.integer(state[key], key, 0)
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
    ValueError: if a name is not a string, or a value is not a finite number, a string or a bool.
  """
  for hp in space:
    for name in (hp.name, *(condition.name for condition in hp.conditions)):
      fields.text(name, "name")
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


def _copied(entry: Mapping[str, Any]) -> dict[str, Any]:
  """Returns an entry that KerasTuner may change while it reads it."""
  return {**entry, "config": dict(entry["config"])}


def _ids(state: Mapping[str, Any], key: str) -> list[str]:
  ids = [fields.text(trial_id, key) for trial_id in fields.elements(state[key], key)]
  if len(set(ids)) < len(ids):
    raise fields.wrong("a list of different ids", key, ids)
  return ids
