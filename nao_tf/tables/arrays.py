"""Reads NumPy `.npz` files and checks that their arrays are what was expected."""

import zipfile
import zlib
from collections.abc import Mapping

import numpy as np

Arrays = Mapping[str, np.ndarray]

INTEGERS, NUMBERS, TEXTS = "integers", "numbers", "texts"
_DTYPE_KINDS = {INTEGERS: "iu", NUMBERS: "iuf", TEXTS: "U"}


def load_arrays(path: str) -> Arrays:
  """Returns the arrays of an `.npz` file by name.

  Raises:
    ValueError: if it is no such file.
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


def check_arrays(path: str, arrays: Arrays, layout: Mapping[str, tuple]) -> None:
  """Checks that arrays are there and have the element types and shapes of a layout.

  Args:
    path: of the file, for messages.
    arrays: by name.
    layout: for each name one of INTEGERS, NUMBERS and TEXTS, then the size of each dimension; a word stands for a size
      that is the same wherever the word is.

  Raises:
    ValueError: naming all arrays that are missing, or the first that does not fit.
  """
  missing = [name for name in layout if name not in arrays]
  if missing:
    raise ValueError(f"{path}: missing arrays {', '.join(missing)}; found {', '.join(arrays)}")
  sizes: dict[str, int] = {}
  for name, (kind, *dimensions) in layout.items():
    if arrays[name].dtype.kind not in _DTYPE_KINDS[kind]:
      raise ValueError(f"{path}: array {name} must hold {kind}, got {arrays[name].dtype}")
    _check_shape(f"{path}: array {name}", arrays[name].shape, dimensions, sizes)


def _check_shape(what: str, shape: tuple[int, ...], dimensions: list, sizes: dict[str, int]) -> None:
  """Checks one shape; enters sizes into `sizes` for words that are not there yet."""
  if len(shape) == len(dimensions):
    sizes.update({word: n for word, n in zip(dimensions, shape) if isinstance(word, str) and word not in sizes})
  expected = [sizes.get(dimension, dimension) for dimension in dimensions]
  if list(shape) != expected:
    raise ValueError(f"{what} must have shape [{', '.join(map(str, expected))}], got {list(shape)}")


def check_range(path: str, arrays: Arrays, name: str, low: float, high: float) -> None:
  """Checks that all elements of an array are between two numbers, both included.

  Raises:
    ValueError: naming the first that is not.
  """
  values = arrays[name]
  wrong = np.argwhere(~((values >= low) & (values <= high)))  # Comparisons with NaN are false.
  if len(wrong):
    place = tuple(wrong[0].tolist())
    raise ValueError(f"{path}: array {name} must be in [{low}, {high}], got {values[place]} at {list(place)}")
