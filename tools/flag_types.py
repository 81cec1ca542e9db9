"""Additional types of flags: names from a registry, lists of names, finite numbers, and lists of numbers."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

from absl import flags

from nao_tf import registries

_LONGEST_RANGE = 10_000
"""Numbers that a range in a list may stand for."""


def define_name(
  name: str,
  default: str | None,
  registry: Mapping[str, str],
  kind: str,
  help_: str,
  *,
  flag_values: flags.FlagValues,
) -> None:
  """Defines a flag that takes a key of a registry or an import path, `package.module:Name`.

  Args:
    name: name of the flag.
    default: its value if it is not given.
    registry: import paths by name.
    kind: what is chosen, for error messages: "space", "strategy".
    help_: what the flag is for. The choices are added.
    flag_values: where to define it.
  """
  help_ = f"{help_}: {registries.choices(registry)}"
  flags.DEFINE(NameParser(registry, kind), name, default, help_, flag_values, flags.ArgumentSerializer[str]())


def define_names(
  name: str,
  default: Sequence[str],
  registry: Mapping[str, str],
  kind: str,
  help_: str,
  *,
  flag_values: flags.FlagValues,
) -> None:
  """Defines a flag that takes several names, separated by commas; see `define_name`."""
  help_ = f"{help_}: {registries.choices(registry)}, separated by commas"
  flags.DEFINE(NamesParser(registry, kind), name, list(default), help_, flag_values, flags.CsvListSerializer(","))


def define_number(
  name: str,
  default: float | None,
  help_: str,
  lower_bound: float | None = None,
  upper_bound: float | None = None,
  *,
  flag_values: flags.FlagValues,
) -> None:
  """Defines a flag that takes a finite number, and has the arguments of `flags.DEFINE_float`."""
  parser = NumberParser(lower_bound, upper_bound)
  flags.DEFINE(parser, name, default, help_, flag_values, flags.ArgumentSerializer[float]())


def define_fraction(name: str, help_: str, *, flag_values: flags.FlagValues) -> None:
  """Defines a flag that takes a fraction of which something must be left: a number of at least 0 and below 1."""
  flags.DEFINE(FractionParser(), name, None, help_, flag_values, flags.ArgumentSerializer[float]())


def define_integers(
  name: str, default: Sequence[int], help_: str, lower_bound: int | None = None, *, flag_values: flags.FlagValues
) -> None:
  """Defines a flag that takes integers separated by commas; of an empty text, none."""
  flags.DEFINE(IntegersParser(lower_bound), name, tuple(default), help_, flag_values, IntegersSerializer())


def define_numbers(name: str, default: tuple[float, ...] | None, help_: str, *, flag_values: flags.FlagValues) -> None:
  """Defines a flag that takes numbers separated by commas."""
  flags.DEFINE(NumbersParser(), name, default, help_, flag_values, NumbersSerializer())


class NameParser(flags.ArgumentParser[str]):
  """Reads a key of a registry or a place. What is at the place is imported when it is used.

  Attributes:
    names: keys of the registry.
  """

  def __init__(self, registry: Mapping[str, str], kind: str):
    """Sets up the parser.

    Args:
      registry: import paths by name.
      kind: what is chosen, for error messages.
    """
    self._registry, self._kind, self.names = registry, kind, frozenset(registry)

  def parse(self, argument: str) -> str:
    """Returns the name.

    Raises:
      ValueError: if it is neither a key nor a place.
    """
    registries.check_name(argument, self._registry, self._kind)
    return argument

  def flag_type(self) -> str:
    """Returns what the flag takes, in words."""
    return f"name of a {self._kind}"


class NamesParser(flags.ArgumentParser[list[str]]):
  """Reads names separated by commas."""

  def __init__(self, registry: Mapping[str, str], kind: str):
    """Sets up the parser; see `NameParser`."""
    self._parser, self._kind = NameParser(registry, kind), kind

  @property
  def names(self) -> frozenset[str]:
    """Keys of the registry."""
    return self._parser.names

  def parse(self, argument: str | Sequence[str]) -> list[str]:
    """Returns the names.

    Raises:
      ValueError: if there is none, or one is neither a key nor a place.
    """
    names = [name.strip() for name in argument.split(",")] if isinstance(argument, str) else argument
    return [self._parser.parse(name) for name in names]

  def flag_type(self) -> str:
    """Returns what the flag takes, in words."""
    return f"names of a {self._kind}, separated by commas"


class NumberParser(flags.FloatParser):
  """Reads a finite number."""

  def convert(self, argument: float | str) -> float:
    """Returns the number.

    Raises:
      ValueError: if it is none, NaN or infinite.
    """
    return _finite(super().convert(argument))


class FractionParser(NumberParser):
  """Reads a number of at least 0 and below 1."""

  def __init__(self) -> None:
    """Sets up the parser."""
    super().__init__(0.0)
    self.syntactic_help = "a number of at least 0 and below 1"

  def is_outside_bounds(self, val: float) -> bool:
    """Returns whether a number is no such share."""
    return super().is_outside_bounds(val) or val >= 1


class IntegersParser(flags.ArgumentParser[tuple[int, ...]]):
  """Reads integers separated by commas. `1:4` stands for 1, 2, 3, 4."""

  def __init__(self, lower_bound: int | None = None):
    """Sets up the parser.

    Args:
      lower_bound: the smallest integer that is allowed.
    """
    self._parser = flags.IntegerParser(lower_bound)

  def parse(self, argument: str | Sequence[int]) -> tuple[int, ...]:
    """Returns the integers.

    Raises:
      ValueError: if something else is among them.
    """
    if not isinstance(argument, str):
      return tuple(self._parser.parse(number) for number in argument)
    words = [word for word in argument.split(",") if argument.strip()]
    return tuple(self._parser.parse(number) for number in with_ranges(words))

  def flag_type(self) -> str:
    """Returns what the flag takes, in words."""
    return "integers separated by commas, or a range such as 1:4"


class IntegersSerializer(flags.ArgumentSerializer[tuple[int, ...]]):
  """Writes integers as the parser reads them."""

  def serialize(self, value: Sequence[int]) -> str:
    """Returns the integers separated by commas."""
    return ",".join(map(str, value))


class NumbersParser(flags.ArgumentParser[tuple[float, ...]]):
  """Reads numbers separated by commas. `1:4` stands for 1, 2, 3, 4."""

  def parse(self, argument: str | Sequence[float]) -> tuple[float, ...]:
    """Returns the numbers.

    Raises:
      ValueError: if something else is among them, NaN and infinity included.
    """
    words = with_ranges(argument.split(",")) if isinstance(argument, str) else argument
    return tuple(_finite(float(word)) for word in words)

  def flag_type(self) -> str:
    """Returns what the flag takes, in words."""
    return "numbers separated by commas, or a range such as 1:4"


class NumbersSerializer(flags.ArgumentSerializer[tuple[float, ...]]):
  """Writes numbers as the parser reads them."""

  def serialize(self, value: Sequence[float]) -> str:
    """Returns the numbers separated by commas."""
    return ",".join(map(repr, value))


def with_ranges(words: Iterable[str]) -> Iterator[str]:
  """Yields the elements of a list, a range such as `1:4` as the integers from 1 to 4.

  Args:
    words: the elements as they are written.

  Raises:
    ValueError: if a range is not two integers of which the first is not larger, or has more than 10,000 numbers.
  """
  for word in words:
    first, colon, last = word.partition(":")
    if colon:
      yield from map(str, _range(word, first, last))
    else:
      yield word


def _range(word: str, first: str, last: str) -> range:
  """Returns the integers of a range."""
  try:
    numbers = range(int(first), int(last) + 1)
  except ValueError as error:
    raise ValueError(f"expected a range of integers such as 1:4, got {word!r}") from error
  if not 0 < len(numbers) <= _LONGEST_RANGE:
    raise ValueError(f"expected a range of 1 to {_LONGEST_RANGE:,} integers, the smaller one first, got {word!r}")
  return numbers


def _finite(number: float) -> float:
  if not math.isfinite(number):
    raise ValueError(f"expected a finite number, got {number}")
  return number
