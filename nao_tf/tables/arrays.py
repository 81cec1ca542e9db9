"""Reads NumPy `.npz` files and checks types, shapes and values of their arrays.

A file may come from anywhere. So the type and the shape that it declares for an array are checked before its data is
read, only arrays that are asked for are read, and pickled objects are never loaded.
"""

import contextlib
import io
import math
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from nao_tf import fields

Arrays = Mapping[str, np.ndarray]
"""Arrays by name."""

INTEGERS, NUMBERS, TEXTS = "integers", "numbers", "texts"
_DTYPE_KINDS = {INTEGERS: "iu", NUMBERS: "iuf", TEXTS: "U"}

_LARGEST_ARRAY = 256 * 1024 * 1024
"""Bytes of an array in memory."""
_MOST_MEMBERS = 1000
_LONGEST_HEAD = 2**16 + 16
"""Bytes before the data of an array."""
_SUFFIX = ".npy"
_MAGIC = b"\x93NUMPY"
_ENCRYPTED = 1
"""The bit of a member's flags which says that it is encrypted."""

_ARCHIVE_ERRORS = (
  ValueError,
  ArithmeticError,
  EOFError,
  LookupError,
  OSError,
  RuntimeError,
  struct.error,
  zipfile.BadZipFile,
  zipfile.LargeZipFile,
  zlib.error,
)
"""What `zipfile` raises for files that are not archives, that are damaged, or that have what it does not support."""


class ArraySpec(NamedTuple):
  """Expected type and shape of an array.

  Attributes:
    elements: INTEGERS, NUMBERS or TEXTS.
    shape: size of each axis. A word stands for a size that is the same wherever the word occurs.
  """

  elements: str
  shape: tuple[int | str, ...]


class ArrayHeader(NamedTuple):
  """What a file says about an array before its data.

  Attributes:
    dtype: type of its elements.
    shape: size of each axis.
    is_fortran: whether the first axis changes fastest.
    start: bytes before the data.
  """

  dtype: np.dtype
  shape: tuple[int, ...]
  is_fortran: bool
  start: int

  @property
  def size(self) -> int:
    """Bytes of the data."""
    return math.prod(self.shape) * self.dtype.itemsize


class ArrayFile(Mapping[str, np.ndarray]):
  """The arrays of an `.npz` file by name. An array is read each time it is asked for.

  Attributes:
    headers: what the file says about each array.
  """

  def __init__(self, path: str):
    """Reads the headers.

    Raises:
      ValueError: if it is not an `.npz` file, or if it holds pickled objects.
      OSError: if it cannot be read.
    """
    self._path = path
    with _archive(path) as archive:
      self._members = _members_of(archive)
      self.headers = {name: _header_of(archive, name, member) for name, member in self._members.items()}

  def __getitem__(self, name: str) -> np.ndarray:
    """Returns an array.

    Raises:
      KeyError: if there is none of that name.
      ValueError: if it is damaged, or larger than 256 MiB; the message names the file and the array.
      OSError: if the file cannot be read.
    """
    header, member = self.headers[name], self._members[name]
    if header.size > _LARGEST_ARRAY:
      raise ValueError(
        f"{self._path}: array {name} must have at most {_LARGEST_ARRAY} bytes, got {header.size} by its shape"
        f" {_in_words(header.shape)}"
      )
    with _archive(self._path) as archive, archive.open(member) as stream:
      stream.read(header.start)
      data = stream.read(header.size)
      if len(data) != header.size or stream.read(1):
        raise ValueError(f"array {name} needs {header.size} bytes by its shape, and has {len(data)} or more")
      return np.ndarray(header.shape, header.dtype, data, order="F" if header.is_fortran else "C")

  def __contains__(self, name: object) -> bool:
    return name in self._members

  def __iter__(self) -> Iterator[str]:
    return iter(self._members)

  def __len__(self) -> int:
    return len(self._members)


def load_arrays(path: str) -> ArrayFile:
  """Returns the arrays of an `.npz` file by name; see `ArrayFile`.

  Raises:
    ValueError: if it is not an `.npz` file, or if it holds pickled objects.
    OSError: if it cannot be read.
  """
  return ArrayFile(path)


def load_array(path: str, spec: ArraySpec) -> np.ndarray:
  """Returns the array of an `.npy` file.

  Args:
    path: path of the file.
    spec: expected type and shape.

  Raises:
    ValueError: if it is not an `.npy` file, or its array has another type or shape.
    OSError: if it cannot be read.
  """
  with open(path, "rb") as file:
    try:
      header = _read_header(file.read(_LONGEST_HEAD))
    except ValueError as error:
      raise ValueError(f"{path}: expected a NumPy .npy file: {error}") from error
    _check_header(f"{path}: its array", header, spec, {}, {})
    file.seek(header.start)
    data = file.read(header.size + 1)
  if len(data) != header.size:
    raise ValueError(f"{path}: its array needs {header.size} bytes by its shape, and has {len(data)} or more")
  return np.ndarray(header.shape, header.dtype, data, order="F" if header.is_fortran else "C")


def check_arrays(
  path: str, arrays: Arrays, specs: Mapping[str, ArraySpec], *, most: Mapping[str, int] | None = None
) -> dict[str, np.ndarray]:
  """Returns the arrays that have a spec. Those of a file are read only after their types and shapes have been checked.

  Args:
    path: path of the file, for error messages.
    arrays: arrays by name.
    specs: expected type and shape by name.
    most: the largest sizes that words in shapes may stand for.

  Raises:
    ValueError: if an array is missing, has another type or shape, or is damaged. The message names all missing arrays,
      or the first one that does not fit.
  """
  missing = [name for name in specs if name not in arrays]
  if missing:
    raise ValueError(f"{path}: missing arrays {', '.join(missing)}; found {names_of(arrays)}")
  declared: Mapping[str, Any] = arrays.headers if isinstance(arrays, ArrayFile) else arrays
  sizes: dict[str, int] = {}
  for name, spec in specs.items():
    _check_header(f"{path}: array {name}", declared[name], spec, sizes, most or {})
  return {name: arrays[name] for name in specs}


def names_of(arrays: Arrays) -> str:
  """Returns the names of arrays in words, for error messages."""
  return ", ".join(name[:40] for name in list(arrays)[:20]) or "none"


def _check_header(what: str, header: Any, spec: ArraySpec, sizes: dict[str, int], most: Mapping[str, int]) -> None:
  """Checks type and shape of one array, or of its header; see `_check_shape`."""
  if header.dtype.kind not in _DTYPE_KINDS[spec.elements]:
    raise ValueError(f"{what} must hold {spec.elements}, got {header.dtype}")
  _check_shape(what, header.shape, spec.shape, sizes)
  for word, size in zip(spec.shape, header.shape):
    if isinstance(word, str) and size > most.get(word, size):
      raise ValueError(f"{what} must have at most {most[word]} {word}, got {size}")


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
    raise ValueError(f"{what} must have shape [{', '.join(map(str, expected))}], got {_in_words(shape)}")


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


def check_distinct(path: str, arrays: Arrays, name: str) -> None:
  """Checks that no two elements of an array [N] are equal.

  Raises:
    ValueError: if two are; the message names their value.
  """
  values, counts = np.unique(arrays[name], return_counts=True)
  if (counts > 1).any():
    raise ValueError(f"{path}: array {name} must have distinct elements, got {values[counts > 1][0]} more than once")


@contextlib.contextmanager
def _archive(path: str) -> Iterator[zipfile.ZipFile]:
  """Opens an archive. Whatever is wrong with it is a ValueError that names the file."""
  with open(path, "rb") as file:
    try:
      head = file.read(_LONGEST_HEAD)
      if head.startswith(_MAGIC):
        raise ValueError(f"it holds a single array of shape {_in_words(_read_header(head).shape)}")
      with zipfile.ZipFile(file) as archive:
        yield archive
    except _ARCHIVE_ERRORS as error:
      raise ValueError(f"{path}: expected a NumPy .npz file of plain arrays: {error}") from error


def _members_of(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
  """Returns the members of an archive that hold arrays, by the name of the array."""
  members = [member for member in archive.infolist() if member.filename.endswith(_SUFFIX)]
  if len(members) > _MOST_MEMBERS:
    raise ValueError(f"it holds {len(members)} arrays, more than {_MOST_MEMBERS}")
  named = {member.filename.removesuffix(_SUFFIX): member for member in members}
  if len(named) != len(members):
    raise ValueError("it holds two arrays of one name")
  return named


def _header_of(archive: zipfile.ZipFile, name: str, member: zipfile.ZipInfo) -> ArrayHeader:
  """Returns the header of a member of an archive."""
  try:
    if member.flag_bits & _ENCRYPTED:
      raise ValueError("it is encrypted")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
      raise ValueError(f"it is compressed by method {member.compress_type}, which NumPy does not use")
    with archive.open(member) as stream:
      return _read_header(stream.read(_LONGEST_HEAD))
  except _ARCHIVE_ERRORS as error:
    raise ValueError(f"array {name[:40]}: {error}") from error


def _read_header(head: bytes) -> ArrayHeader:
  """Returns the header of an array.

  Args:
    head: the beginning of a file in NumPy's format, at least the whole header.

  Raises:
    ValueError: if it is not a header, or does not declare a plain array.
  """
  stream = io.BytesIO(head)
  try:
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, is_fortran, dtype = read(stream)
  except Exception as error:  # NumPy lets errors of many kinds through, those of Python's own parser among them.
    raise ValueError(f"its header is not that of an array ({fields.shown(error)})") from error
  if dtype.hasobject or dtype.kind not in "biufcSUmM":
    raise ValueError("it holds pickled objects or records")
  if not all(fields.is_integer(size) and size >= 0 for size in shape):
    raise ValueError(f"its shape is {_in_words(shape)}")
  return ArrayHeader(dtype, shape, bool(is_fortran), stream.tell())


def _in_words(shape: Sequence[int]) -> str:
  return fields.shown(list(shape))
