"""Repairs of what KerasTuner's messages between chief and workers do to hyperparameters.

The messages group hyperparameters by type, so that a child may come before its parent, and give inactive ones their
default values.
"""

from typing import Any

from keras_tuner import HyperParameters
from keras_tuner.engine.hyperparameters import HyperParameter

from nao_tf.spaces.hyperparameters import parents_first


def repaired(received: HyperParameters) -> HyperParameters:
  """Returns hyperparameters with parents before children, and with values only where they are active.

  Args:
    received: hyperparameters after a round trip through KerasTuner's messages.
  """
  space = parents_first(received.space)
  values: dict[str, Any] = {}
  for hp in space:
    if hp.name in received.values and all(condition.is_active(values) for condition in hp.conditions):
      values[hp.name] = received.values[hp.name]
  result = HyperParameters()
  result.merge(space)
  result.values = values
  return result


def with_new_entries(known: HyperParameters, reported: HyperParameters) -> HyperParameters:
  """Returns known hyperparameters with the entries added that first appeared in a worker, parents first.

  Args:
    known: those of the trial as it was handed out. Their values stay, since some types do not survive the messages.
    reported: those that came back from the worker.
  """
  result = known.copy()
  new = [hp for hp in reported.space if not any(_are_same(hp, other) for other in known.space)]
  result.merge(parents_first(new))
  result.values = {**reported.values, **known.values}
  return result


def _are_same(hp: HyperParameter, other: HyperParameter) -> bool:
  return hp.name == other.name and hp.conditions == other.conditions
