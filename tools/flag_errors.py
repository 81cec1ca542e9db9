"""Rewords absl's messages about wrong flags for users who do not know Python."""

import re
from collections.abc import Sequence

_MISSING = re.compile(r"flag --(\w+)=None: Flag --\w+ must have a value other than None\.")
_UNKNOWN = re.compile(r"Unknown command line flag '(\w+)'")
_OF_OTHERS = {"strategy": "nao-search", "architecture": "nao-train"}
"""Commands by a flag that all of their flagfiles have."""
_REPLACED = (
  (re.compile(r"invalid literal for int\(\) with base \d+: .*"), "expected an integer"),
  (re.compile(r"could not convert string to float: .*"), "expected a number"),
)


def message(error: Exception, argv: Sequence[str]) -> str:
  """Returns what is wrong with a command line.

  Args:
    error: what absl, or a check of this package, has raised.
    argv: the name of the program and its arguments.
  """
  text = str(error)
  missing = _MISSING.fullmatch(text)
  if missing:
    return _missing(missing[1], argv)
  for pattern, words in _REPLACED:
    text = pattern.sub(words, text)
  unknown = _UNKNOWN.fullmatch(text)
  other = _OF_OTHERS.get(unknown[1]) if unknown else None
  return f"{text}; it is one of {other}" if other else text


def _missing(name: str, argv: Sequence[str]) -> str:
  """Returns that a flag is needed. A first argument without a flag may be its value."""
  stray = argv[1] if len(argv) > 1 and not argv[1].startswith("-") else None
  return f"--{name} is needed" if stray is None else f"--{name} is needed; did you mean --{name}={stray}?"
