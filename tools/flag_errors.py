"""Rewords messages for users of the commands: those of absl about wrong flags, and those that name settings."""

import re
from collections.abc import Collection, Sequence

_MISSING = re.compile(r"flag --(\w+)=None: Flag --\w+ must have a value other than None\.")
_UNKNOWN = re.compile(r"Unknown command line flag '(\w+)'")
_OF_OTHERS = {"strategy": "nao-search", "architecture": "nao-train"}
"""Commands by a flag that all of their flagfiles have."""
_PREFIXES = ("child_", "shared_", "best_")
"""Of the flags of a search, whose networks are trained in several stages."""
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


def in_flags(text: str, names: Collection[str]) -> str:
  """Returns a message of the library with the flags of a command in place of the settings that it names.

  A name is replaced where it stands for the setting: `batch_size=8`, or `batch_size` by itself. A word such as `seed`
  only counts with a value. Parts of paths, code such as `load(data_dir='x')`, and what is quoted are left alone, and so
  are flags.

  Args:
    text: the message.
    names: names of the flags. A name that also exists with the prefix of a stage is left alone.
  """
  alone = [re.escape(name) for name in names if not any(prefix + name in names for prefix in _PREFIXES)]
  several = "|".join(name for name in alone if "_" in name)
  before, behind = r"(?<![\w./'\"=-])", r"(?![\w/'\"-]|\.\w)"
  text = re.sub(rf"{before}({'|'.join(alone)})(?==[^'\"])", r"--\1", text) if alone else text
  return re.sub(rf"{before}({several}){behind}(?!=)", r"--\1", text) if several else text


def _missing(name: str, argv: Sequence[str]) -> str:
  """Returns that a flag is needed. A first argument without a flag may be its value."""
  stray = argv[1] if len(argv) > 1 and not argv[1].startswith("-") else None
  return f"--{name} is needed" if stray is None else f"--{name} is needed; did you mean --{name}={stray}?"
