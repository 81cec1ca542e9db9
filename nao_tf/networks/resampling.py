"""How a map is brought to a lower resolution, so that it can be joined with another one. Does not import TensorFlow."""

from collections.abc import Sequence

Window = tuple[tuple[int, int], tuple[int, int]]
"""Height and width of the windows of a pool, and its strides."""

GLOBAL: tuple[()] = ()
"""Stands for a pool over all of a map."""


def resampling(
  size: Sequence[int | None], target: Sequence[int | None], what: str = "a map", where: str = "another"
) -> "Window | tuple[()] | None":
  """Returns the pool that brings a map to a lower resolution; None if it has that already.

  The windows lie within the map. Along an axis of length n that becomes m, their stride is n // m, and they are as long
  as is needed to cover all of the axis.

  Args:
    size: height and width of the map; empty for a vector.
    target: those that it is brought to; empty for a vector.
    what: what has this size, for error messages.
    where: what has the target size, for error messages.

  Returns:
    The size and the strides of the windows, `GLOBAL` for a pool over all of a map, or None.

  Raises:
    ValueError: if the target is larger, or a size is not known.
  """
  if tuple(size) == tuple(target) and None not in size:
    return None
  if len(size) == 2 and not target:
    return GLOBAL
  if len(size) != 2 or len(target) != 2 or None in size or None in target or not _is_larger(size, target):
    raise ValueError(f"{what} with the size {_words(size)} cannot be joined with {where} of {_words(target)}")
  (height, rows), (width, columns) = (_window(n or 0, m or 0) for n, m in zip(size, target))
  return (height, width), (rows, columns)


def _is_larger(size: Sequence[int | None], target: Sequence[int | None]) -> bool:
  return all((n or 0) >= (m or 0) for n, m in zip(size, target))


def _window(length: int, target: int) -> tuple[int, int]:
  """Returns the length of the windows along an axis, and their stride."""
  stride = length // target
  return length - (target - 1) * stride, stride


def _words(size: Sequence[int | None]) -> str:
  return "x".join(str(length) for length in size) or "a vector"
