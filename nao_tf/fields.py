"""Validation of values from files, the command line or callers.

Each function takes a value and the name of its field. It returns the value as a plain Python value, or raises a
ValueError that says what was expected, for which field, and the actual value:

    expected an integer from 0 to 5 for 'source', got 0.7

Readers of files add the file and the position in it. NumPy numbers are accepted as numbers; booleans are not.
"""

import dataclasses
import functools
import math
import numbers
import reprlib
import types
import typing
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
  from _typeshed import DataclassInstance

_LONGEST_SHOWN = 80
"""Characters of one text or number in a message."""

_LONGEST_IN_ALL = 200
"""Characters of a whole value, such as a list of texts, in a message."""

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = _LONGEST_SHOWN
_SHORT.maxlevel = 3


def integer(value: Any, name: str, low: int | None = None, high: int | None = None) -> int:
  """Validates an integer.

  Args:
    value: the value to validate.
    name: name of the field, for error messages.
    low: minimum; None for no limit.
    high: maximum; None for no limit.

  Raises:
    ValueError: if the value is not an integer, such as True or 1.0, or is out of range.
  """
  if not is_integer(value) or not _in_range(value, low, high):
    raise wrong(f"an integer{_range(low, high)}", name, value)
  return int(value)


def number(value: Any, name: str, low: float | None = None, high: float | None = None) -> float:
  """Validates a finite number and returns it as a float; see `integer`."""
  if isinstance(value, bool) or not isinstance(value, numbers.Real) or not _in_range(value, low, high):
    raise wrong(f"a finite number{_range(low, high)}", name, value)
  try:
    converted = float(value)
  except OverflowError:
    converted = math.inf
  if not math.isfinite(converted):
    raise wrong(f"a finite number{_range(low, high)}", name, value)
  return converted


def any_number(value: Any, name: str) -> float:
  """Validates a number, which may be NaN or infinite, and returns it as a float; see `number`."""
  return float(value) if isinstance(value, float) else number(value, name)


def number_or_none(value: Any, name: str, low: float | None = None, high: float | None = None) -> float | None:
  """Validates a finite number or None; see `number`."""
  return None if value is None else number(value, name, low, high)


def boolean(value: Any, name: str) -> bool:
  """Validates a boolean.

  Raises:
    ValueError: if the value is neither True nor False.
  """
  if not isinstance(value, bool):
    raise wrong("true or false", name, value)
  return value


def text(value: Any, name: str) -> str:
  """Validates a string.

  Raises:
    ValueError: if the value is not a string.
  """
  if not isinstance(value, str):
    raise wrong("a text", name, value)
  return value


def split_text(value: str) -> list[str]:
  """Returns the words of a text that are separated by commas, as a message shows how to write them."""
  return [word.strip() for word in value.split(",") if word.strip()]


def one_of(value: Any, name: str, choices: Collection[str]) -> str:
  """Validates that a value is one of several strings.

  Raises:
    ValueError: if it is not.
  """
  if not isinstance(value, str) or value not in choices:
    raise wrong(f"one of {', '.join(choices)}", name, value)
  return value


def elements(value: Any, name: str, length: int | None = None) -> Sequence[Any]:
  """Validates a list or tuple.

  Args:
    value: the value to validate.
    name: name of the field, for error messages.
    length: expected number of elements; None for any number.

  Raises:
    ValueError: if the value is not a list or tuple, or has the wrong length.
  """
  if not isinstance(value, (list, tuple)) or length not in (None, len(value)):
    raise wrong("a list" if length is None else f"a list of {length}", name, value)
  return value


def integers(value: Any, name: str, low: int | None = None, high: int | None = None) -> tuple[int, ...]:
  """Validates a list of integers and returns it as a tuple; see `integer`."""
  items = elements(value, name)
  if all(type(item) is int for item in items) and all(_in_range(end, low, high) for end in _ends(items)):
    return tuple(items)
  return tuple(integer(item, f"{name}[{index}]", low, high) for index, item in enumerate(items))


def numbers_of(value: Any, name: str, low: float | None = None, high: float | None = None) -> tuple[float, ...]:
  """Validates a list of finite numbers and returns it as a tuple; see `number`."""
  return tuple(number(item, f"{name}[{index}]", low, high) for index, item in enumerate(elements(value, name)))


def mapping(value: Any, name: str) -> Mapping[str, Any]:
  """Validates a JSON object with any members.

  Raises:
    ValueError: if the value is not a mapping.
  """
  if not isinstance(value, Mapping):
    raise wrong("a JSON object", name, value)
  return value


def members(value: Any, name: str, required: Collection[str], optional: Collection[str] = ()) -> Mapping[str, Any]:
  """Validates a JSON object with given members.

  Args:
    value: the value to validate.
    name: what the value is, for error messages, such as "a trial".
    required: keys that must be present.
    optional: keys that may be present.

  Raises:
    ValueError: if the value is not a mapping, lacks a key, or has an unknown one.
  """
  found = mapping(value, name)
  missing = [key for key in required if key not in found]
  if missing:
    raise ValueError(f"{name}: has no {', '.join(map(repr, missing))}; got {shown(value)}")
  unknown = [key for key in found if key not in required and key not in optional]
  if unknown:
    raise ValueError(
      f"{name}: has an unknown {', '.join(map(shown, unknown[:3]))}; expected {', '.join((*required, *optional))}"
    )
  return found


def check_config(config: "DataclassInstance") -> None:
  """Checks that the values of a configuration match the types of its fields, and that its numbers are finite.

  Numbers in lists must be finite as well. An integer is accepted for a float field.

  Raises:
    ValueError: if a value does not match; the message names the class and the field.
  """
  for name, annotation in _annotations(type(config)).items():
    value = getattr(config, name)
    parts = value if isinstance(value, (list, tuple)) else (value,)
    if not all(is_finite(part) for part in parts):
      raise ValueError(f"{type(config).__name__}: {name} must be finite, got {shown(value)}")
    scalars = _scalars(annotation)
    if scalars and not any(scalar.holds(value) for scalar in scalars):
      expected = ", or ".join(scalar.words for scalar in scalars)
      raise ValueError(f"{type(config).__name__}: {name} must be {expected}, got {shown(value)}")


def is_integer(value: Any) -> bool:
  """Returns whether a value is a Python or NumPy integer. Booleans do not count."""
  return type(value) is int or (isinstance(value, numbers.Integral) and not isinstance(value, bool))


def is_finite(value: Any) -> bool:
  """Returns False if a value is a number that is NaN or infinite, True for anything else."""
  return not isinstance(value, float) or math.isfinite(value)


def wrong(expected: str, name: str, value: Any) -> ValueError:
  """Returns the error for a value that differs from what was expected."""
  return ValueError(f"expected {expected} for {name!r}, got {shown(value)}")


def shown(value: Any) -> str:
  """Formats a value for a message, shortened if necessary."""
  try:
    return shortened(_SHORT.repr(value), _LONGEST_IN_ALL)
  except ValueError:  # Python does not print integers of many thousand digits.
    return f"a {type(value).__name__} that is too large to be shown"


def shortened(text: str, longest: int) -> str:
  """Returns a text, or its first characters and "..." if it has more than `longest`."""
  return text if len(text) <= longest else f"{text[:longest]}..."


def counted(count: int, noun: str) -> str:
  """Returns a number of things in words, such as "1 trial" or "1,200 trials".

  Args:
    count: how many there are.
    noun: what one of them is called; the plural has an s at its end.
  """
  return f"{count:,} {noun}{'' if count == 1 else 's'}"


class _Scalar(NamedTuple):
  """A type of a field: its name in words, and whether a value is one of it."""

  words: str
  holds: Callable[[Any], bool]


_SCALARS: Mapping[Any, _Scalar] = {
  int: _Scalar("an integer", is_integer),
  float: _Scalar("a number", lambda value: isinstance(value, numbers.Real) and not isinstance(value, bool)),
  bool: _Scalar("True or False", lambda value: isinstance(value, bool)),
  str: _Scalar("a text", lambda value: isinstance(value, str)),
  type(None): _Scalar("None", lambda value: value is None),
}


@functools.cache
def _annotations(cls: type) -> dict[str, Any]:
  """Returns the types of the fields of a dataclass by name."""
  annotations = typing.get_type_hints(cls)
  return {field.name: annotations[field.name] for field in dataclasses.fields(cls)}


def _scalars(annotation: Any) -> list[_Scalar]:
  """Returns what a field with an annotation may hold; nothing if it may hold something else, such as a list."""
  is_union = typing.get_origin(annotation) in (typing.Union, types.UnionType)
  kinds = typing.get_args(annotation) if is_union else (annotation,)
  return [_SCALARS[kind] for kind in kinds] if all(kind in _SCALARS for kind in kinds) else []


def _ends(items: Sequence[int]) -> tuple[int, ...]:
  """Returns the smallest and the largest of some integers; none of none."""
  return (min(items), max(items)) if items else ()


def _in_range(value: Any, low: float | None, high: float | None) -> bool:
  """Returns whether a number is in a range. NaN is in none that has a limit."""
  return (low is None or bool(value >= low)) and (high is None or bool(value <= high))


def _range(low: float | None, high: float | None) -> str:
  """Returns the range in words."""
  if low is not None and high is not None:
    return f" from {low} to {high}"
  return f" of at least {low}" if low is not None else f" of at most {high}" if high is not None else ""
