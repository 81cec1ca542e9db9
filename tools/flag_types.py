"""Types of flags beside those of absl: names out of a registry, lists of them, and lists of numbers."""

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


class NumbersParser(flags.ArgumentParser[tuple[float, ...]]):
  """Reads numbers separated by commas."""

  def parse(self, argument: str | Sequence[float]) -> tuple[float, ...]:
    """Returns the numbers.

    Raises:
      ValueError: if something else is among them.
    """
    words = argument.split(",") if isinstance(argument, str) else argument
    return tuple(float(word) for word in words)

  def flag_type(self) -> str:
    """Returns what the flag takes, in words."""
    return "numbers separated by commas"


class NumbersSerializer(flags.ArgumentSerializer[tuple[float, ...]]):
  """Writes numbers as the parser reads them."""

  def serialize(self, value: Sequence[float]) -> str:
    """Returns the numbers separated by commas."""
    return ",".join(f"{number:g}" for number in value)
