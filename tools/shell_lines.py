"""Command lines as a shell reads them, to be printed and pasted."""

import shlex
from collections.abc import Sequence


def shell_line(command: str, arguments: Sequence[str]) -> str:
  """Returns the line that runs a command.

  Args:
    command: its name.
    arguments: its arguments, as the process gets them.
  """
  return " ".join((command, *map(shell_argument, arguments)))


def shell_argument(argument: str) -> str:
  """Returns an argument with quotes around what a shell would change: in `--name=value` around the value."""
  name, equals, value = argument.partition("=")
  if not equals or not name.startswith("-"):
    return shlex.quote(argument)
  return f"{name}={shlex.quote(value)}"
