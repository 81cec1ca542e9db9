"""Types of flags beside those of absl: names out of a registry, lists of them, finite numbers, and lists of numbers."""

import math
from collections.abc import Mapping, Sequence

from absl import flags

from nao_tf import registries


def define_name(
  name: str,
  default: str | None,
  registry: Mapping[str, str],
  kind: str,
  help_: str,
  *,
  flag_values: flags.FlagValues,
) -> None:
  """Defines a flag that takes a key of a registry or a place, `package.module:Name`.

  Args:
    name: of the flag.
    default: its value if it is not given.
    registry: places by name.
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


def define_integers(
  name: str, default: Sequence[int], help_: str, lower_bound: int | None = None, *, flag_values: flags.FlagValues
) -> None:
  """Defines a flag that takes integers separated by commas; of an empty text, none."""
  flags.DEFINE(IntegersParser(lower_bound), name, tuple(default), help_, flag_values, IntegersSerializer())


def define_numbers(name: str, default: tuple[float, ...] | None, help_: str, *, flag_values: flags.FlagValues) -> None:
  """Defines a flag that takes numbers separated by commas."""
  flags.DEFINE(NumbersParser(), name, default, help_, flag_values, NumbersSerializer())


class NameParser(flags.ArgumentParser[str]):
  """Reads a key of a registry or a place. What is at the place is imported when it is used."""

  def __init__(self, registry: Mapping[str, str], kind: str):
    """Sets up the parser.

    Args:
      registry: places by name.
      kind: what is chosen, for error messages.
    """
    self._registry, self._kind = registry, kind

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


class IntegersParser(flags.ArgumentParser[tuple[int, ...]]):
  """Reads integers separated by commas."""

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
    words = [word for word in argument.split(",") if argument.strip()] if isinstance(argument, str) else argument
    return tuple(self._parser.parse(word) for word in words)

  def flag_type(self) -> str:
    """Returns what the flag takes, in words."""
    return "integers separated by commas"


class IntegersSerializer(flags.ArgumentSerializer[tuple[int, ...]]):
  """Writes integers as the parser reads them."""

  def serialize(self, value: Sequence[int]) -> str:
    """Returns the integers separated by commas."""
    return ",".join(map(str, value))


class NumbersParser(flags.ArgumentParser[tuple[float, ...]]):
  """Reads numbers separated by commas."""

  def parse(self, argument: str | Sequence[float]) -> tuple[float, ...]:
    """Returns the numbers.

    Raises:
      ValueError: if something else is among them, NaN and infinity included.
    """
    words = argument.split(",") if isinstance(argument, str) else argument
    return tuple(_finite(float(word)) for word in words)

  def flag_type(self) -> str:
    """Returns what the flag takes, in words."""
    return "numbers separated by commas"


class NumbersSerializer(flags.ArgumentSerializer[tuple[float, ...]]):
  """Writes numbers as the parser reads them."""

  def serialize(self, value: Sequence[float]) -> str:
    """Returns the numbers separated by commas."""
    return ",".join(map(repr, value))


def _finite(number: float) -> float:
  if not math.isfinite(number):
    raise ValueError(f"expected a finite number, got {number}")
  return number
