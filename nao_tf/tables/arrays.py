"""Reads NumPy `.npz` files and checks types, shapes and values of their arrays."""

import zipfile
import zlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

Arrays = Mapping[str, np.ndarray]
"""Arrays by name."""

INTEGERS, NUMBERS, TEXTS = "integers", "numbers", "texts"
_DTYPE_KINDS = {INTEGERS: "iu", NUMBERS: "iuf", TEXTS: "U"}


class ArraySpec(NamedTuple):
  """Expected type and shape of an array.

  Attributes:
    elements: INTEGERS, NUMBERS or TEXTS.
    shape: size of each axis. A word stands for a size that is the same wherever the word occurs.
  """

  elements: str
  shape: tuple[int | str, ...]


def load_arrays(path: str) -> Arrays:
  """Returns the arrays of an `.npz` file by name.

  Raises:
    ValueError: if it is not an `.npz` file, or if it holds pickled objects.
    OSError: if it cannot be read.
  """
  with open(path, "rb") as file:
    try:
      archive = np.load(file, allow_pickle=False)
      if not isinstance(archive, np.lib.npyio.NpzFile):
        raise ValueError(f"it holds a single array of shape {list(archive.shape)}")
      return {name: archive[name] for name in archive.files}
    except (ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
      raise ValueError(f"{path}: expected a NumPy .npz file of plain arrays: {error}") from error


def check_arrays(path: str, arrays: Arrays, specs: Mapping[str, ArraySpec]) -> None:
  """Checks that arrays exist and have the expected types and shapes.

  Args:
    path: path of the file, for error messages.
    arrays: arrays by name.
    specs: expected type and shape by name.

  Raises:
    ValueError: if an array is missing or has another type or shape. The message names all missing arrays, or the first
      one that does not fit.
  """
  missing = [name for name in specs if name not in arrays]
  if missing:
    raise ValueError(f"{path}: missing arrays {', '.join(missing)}; found {', '.join(arrays)}")
  sizes: dict[str, int] = {}
  for name, spec in specs.items():
    if arrays[name].dtype.kind not in _DTYPE_KINDS[spec.elements]:
      raise ValueError(f"{path}: array {name} must hold {spec.elements}, got {arrays[name].dtype}")
    _check_shape(f"{path}: array {name}", arrays[name].shape, spec.shape, sizes)


def _check_shape(what: str, shape: tuple[int, ...], expected_shape: Sequence[int | str], sizes: dict[str, int]) -> None:
  """Checks one shape.

  Args:
    what: the array, for error messages.
    shape: its shape.
    expected_shape: sizes and words.
    sizes: sizes that words stand for; new words are added.
  """
  if len(shape) == len(expected_shape):
    for word, size in zip(expected_shape, shape):
      if isinstance(word, str):
        sizes.setdefault(word, size)
  expected = [sizes.get(size, size) if isinstance(size, str) else size for size in expected_shape]
  if list(shape) != expected:
    raise ValueError(f"{what} must have shape [{', '.join(map(str, expected))}], got {list(shape)}")


def check_range(path: str, arrays: Arrays, name: str, low: float, high: float) -> None:
  """Checks that all elements of an array are in [low, high].

  Args:
    path: path of the file, for error messages.
    arrays: arrays by name.
    name: name of the array to check.
    low: smallest value.
    high: largest value.

  Raises:
    ValueError: if an element is outside or NaN; the message names the first one.
  """
  values = arrays[name]
  wrong = np.argwhere(~((values >= low) & (values <= high)))  # Comparisons with NaN are false.
  if len(wrong):
    place = tuple(wrong[0].tolist())
    raise ValueError(f"{path}: array {name} must be in [{low}, {high}], got {values[place]} at {list(place)}")
