"""What becomes of hyperparameters in the messages between a chief and its workers, and how to undo it.

KerasTuner groups them by type, so that a child may come before its parent, and sends inactive ones with their defaults.
"""

from typing import Any

from keras_tuner import HyperParameters

from nao_tf.spaces.hyperparameters import parents_first


def tidied(hyperparameters: HyperParameters) -> HyperParameters:
  """Returns hyperparameters with parents before children, and with values for active ones alone.

  After a round trip through KerasTuner's messages, inactive ones may have their defaults.
  """
  space = parents_first(hyperparameters.space)
  values: dict[str, Any] = {}
  for hp in space:
    if hp.name in hyperparameters.values and all(condition.is_active(values) for condition in hp.conditions):
      values[hp.name] = hyperparameters.values[hp.name]
  result = HyperParameters()
  result.merge(space)
  result.values = values
  return result


def with_new_entries(known: HyperParameters, reported: HyperParameters) -> HyperParameters:
  """Returns hyperparameters with those entries added, parents first, that came up in a worker.

  The values are the ones handed out: some types do not survive the messages.
  """
  together = known.copy()
  new = [hp for hp in reported.space if not any(_are_same(hp, other) for other in known.space)]
  together.merge(parents_first(new))
  together.values = {**reported.values, **known.values}
  return together


def _are_same(hp: Any, other: Any) -> bool:
  return hp.name == other.name and hp.conditions == other.conditions
