"""Converts class labels of a user, strings or integers in any form, to class indices and names."""

from collections.abc import Mapping, Sequence, Set
from typing import Any

import numpy as np

from nao_tf.fields import shown

_SHOWN = 5


def numbered_classes(labels: Any, place: str, *, names: Sequence[str] | None = None) -> tuple[np.ndarray, list[str]]:
  """Returns the class index of each example, from 0, and the names of the classes.

  Args:
    labels: one label per example, `[N]` or `[N, 1]`: strings, integers or booleans. Integers need not start at 0, and
      floats are accepted if they are integers. Or one-hot labels `[N, C]`, which represent class indices.
    place: description of the labels, for error messages.
    names: names of the classes, if the labels are class indices. None: the labels are the names, sorted numerically or
      alphabetically.

  Returns:
    Class indices, int32 `[N]`, and names.

  Raises:
    ValueError: if the labels have another form, there are fewer than two classes, or a class has only one example.
  """
  array = one_label_each(labels, place)
  array = _texts(array, place) if array.dtype.kind in "OSU" else _whole(array, place)
  found, numbers = np.unique(array, return_inverse=True)
  if names is not None:
    _check_numbers(found, names, place)
    numbers = array
  texts = [str(name) for name in (found if names is None else names)]
  classes = np.asarray(numbers, np.int32).reshape(-1)
  _check_names(texts, place)
  _check_sizes(texts, np.bincount(classes, minlength=len(texts)), place)
  return classes, texts


def one_label_each(labels: Any, place: str) -> np.ndarray:
  """Returns labels of any type as an array `[N]`.

  Raises:
    ValueError: if they have another shape than `[N]` or `[N, 1]`, and are not one-hot.
  """
  if isinstance(labels, (str, bytes, int, float, Mapping, Set)):
    raise ValueError(f"{place}: expected a list or an array of labels, one for each image, got {shown(labels)}")
  try:
    array = np.asarray(labels)
  except ValueError as error:
    raise ValueError(f"{place}: expected one label for each image, got labels of different shapes") from error
  if array.ndim == 2 and array.shape[1] == 1:
    return array[:, 0]
  if array.ndim == 2:
    return _of_one_hot(array, place)
  if array.ndim != 1:
    raise ValueError(f"{place}: expected one label for each image, [N], got an array {list(array.shape)}")
  return array


def _of_one_hot(array: np.ndarray, place: str) -> np.ndarray:
  """Returns the numbers of one-hot labels `[N, C]`."""
  if array.dtype.kind in "buif" and np.isin(array, (0, 1)).all():
    wrong = np.flatnonzero(array.sum(axis=1) != 1)
    if not len(wrong):
      return array.argmax(axis=1)
    raise ValueError(
      f"{place}: expected one class for each image, but in one-hot labels {list(array.shape)} row {wrong[0]} has"
      f" {int(array[wrong[0]].sum())} ({len(wrong)} such rows)"
    )
  raise ValueError(
    f"{place}: expected one label for each image, or one-hot labels of 0 and 1, got an array {list(array.shape)} of"
    f" {array.dtype}; for probabilities of classes pass y.argmax(axis=1)"
  )


def _texts(array: np.ndarray, place: str) -> np.ndarray:
  """Returns labels that are texts, bytes among them, or objects, as one array of texts or integers."""
  values = [value.decode("utf-8", "replace") if isinstance(value, bytes) else value for value in array.tolist()]
  kinds = {type(value) for value in values}
  if kinds <= {int}:
    return np.asarray(values, np.int64)
  if kinds != {str}:
    found = ", ".join(sorted(kind.__name__ for kind in kinds))
    raise ValueError(f"{place}: expected labels that are all texts or all whole numbers, got {found}")
  return np.asarray(values)


def _whole(array: np.ndarray, place: str) -> np.ndarray:
  """Returns labels that are integers or booleans."""
  if array.dtype.kind in "biu":
    return array
  if array.dtype.kind != "f":
    raise ValueError(f"{place}: expected labels that are texts or whole numbers, got {array.dtype}")
  wrong = np.flatnonzero(~np.isfinite(array) | (array != np.floor(array)))
  if len(wrong):
    raise ValueError(
      f"{place}: expected labels that are texts or whole numbers, got {array[wrong[0]]} as label {wrong[0]}"
      f" ({len(wrong)} such labels)"
    )
  return array.astype(np.int64)


def _check_numbers(found: np.ndarray, names: Sequence[str], place: str) -> None:
  """Raises a ValueError if different labels, in ascending order, are not the numbers of classes with these names."""
  if found.dtype.kind not in "biu" or (len(found) and not 0 <= found[0] <= found[-1] < len(names)):
    raise ValueError(
      f"{place}: expected numbers from 0 to {len(names) - 1} as labels, since there are {len(names)} names of classes;"
      f" got {', '.join(map(str, found[-_SHOWN:]))}"
    )


def _check_names(names: Sequence[str], place: str) -> None:
  if len(names) < 2:
    raise ValueError(f"{place}: expected at least two classes, got {', '.join(map(repr, names)) or 'none'}")
  wrong = [name for name in names if "\n" in name or name.encode("utf-8", "replace").decode("utf-8") != name]
  if wrong:
    raise ValueError(f"{place}: expected names of classes that are one line of Unicode, got {wrong[0]!r}")


def _check_sizes(names: Sequence[str], counts: np.ndarray, place: str) -> None:
  """Raises a ValueError if a class has fewer than two examples: one to train on and one to compare networks with."""
  small = [f"{count} of {name!r}" for name, count in zip(names, counts) if count < 2]
  if small:
    more = "" if len(small) <= _SHOWN else f" and {len(small) - _SHOWN} more"
    raise ValueError(f"{place}: expected at least two images of each class, got {', '.join(small[:_SHOWN])}{more}")
