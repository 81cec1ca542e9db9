"""Parses command lines, and validates what no single flag type can."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from absl import flags

from nao_tf.tools import flagfiles, renamed_flags

_LARGEST_INTEGER = 2**63


def parse(
  flag_values: flags.FlagValues,
  argv: Sequence[str],
  define: Callable[[Sequence[str]], Sequence[str] | None] = lambda argv: None,
) -> list[str]:
  """Parses a command line, flagfiles included.

  Args:
    flag_values: the flags.
    argv: the name of the program and its arguments.
    define: called with the command line, flagfiles included: defines further flags. It may return what to parse instead.

  Returns:
    The name of the program, and arguments that are not flags.

  Raises:
    flags.Error: if a flag is unknown or has a wrong value, or a flagfile is wrong; the message names it.
  """
  expanded = flagfiles.expanded(argv)
  argv = define(expanded) or expanded
  rest = renamed_flags.parse(flag_values, argv)
  check_numbers(flag_values)
  return rest


def check_numbers(flag_values: flags.FlagValues) -> None:
  """Checks that the numbers of all flags are finite and at most 64 bits long. NaN would not even be equal to itself.

  Raises:
    flags.IllegalFlagValueError: if one is not; the message names the flag.
  """
  for name in flag_values:
    value = flag_values[name].value
    for part in value if isinstance(value, (list, tuple)) else (value,):
      if not _is_usable(part):
        raise flags.IllegalFlagValueError(
          f"flag --{name}={str(part)[:40]}: expected a finite number, and at most 64 bits of an integer"
        )


def _is_usable(value: Any) -> bool:
  if isinstance(value, float):
    return math.isfinite(value)
  return not isinstance(value, int) or -_LARGEST_INTEGER <= value < _LARGEST_INTEGER
