"""Weights of classes in the loss, for imbalanced data sets.

With the weights "balanced" all classes have the same total weight: the weight of a class is N / (K n), where N is the
number of examples, K the number of classes, and n the number of examples of the class. The mean weight over all
examples is 1.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nao_tf import fields

BALANCED = "balanced"


def class_weights(given: str | Mapping[Any, float], labels: Sequence[str], counts: np.ndarray) -> np.ndarray:
  """Returns the weight of each class, float32 `[K]`.

  Args:
    given: "balanced", or weights by label. Classes that are not listed have weight 1.
    labels: names of the K classes.
    counts: number of training examples of each class, `[K]`.

  Raises:
    ValueError: if `given` has another form, a label is unknown, or a weight is not a number above 0.
  """
  check_class_weight(given, labels)
  if isinstance(given, str):
    return (counts.sum() / (len(labels) * np.maximum(counts, 1))).astype(np.float32)
  weights = {str(label): weight for label, weight in given.items()}
  return np.array([weights.get(label, 1.0) for label in labels], np.float32)


def check_class_weight(given: Any, labels: Sequence[str]) -> None:
  """Checks class weights given by a user.

  Raises:
    ValueError: see `class_weights`.
  """
  if isinstance(given, str) and given == BALANCED:
    return
  if not isinstance(given, Mapping):
    raise ValueError(f'class_weight must be "{BALANCED}", or a dict of weights by label, got {given!r}')
  unknown = [label for label in given if str(label) not in labels]
  if unknown:
    raise ValueError(f"class_weight: unknown label {unknown[0]!r}; expected some of {', '.join(labels[:10])}")
  for label, weight in given.items():
    if fields.number(weight, f"class_weight of {label!r}") <= 0:
      raise ValueError(f"class_weight of {label!r} must be above 0, got {weight}")


def weight_settings(given: Any, labels: Sequence[str] | None = None) -> dict[str, Any]:
  """Returns class weights as a setting of a run; nothing if there are none.

  Args:
    given: see `class_weights`; None if there are none.
    labels: names of the classes, to check them; None if they are not known yet.
  """
  if given is None:
    return {}
  if labels is not None:
    check_class_weight(given, labels)
  by_label = {str(label): weight for label, weight in given.items()} if isinstance(given, Mapping) else given
  return {"class_weight": by_label}
