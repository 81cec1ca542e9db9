"""The help of a command: its description, an example, and its flags by topic with defaults and choices."""

import textwrap
from collections.abc import Iterator, Mapping

from absl import flags

from nao_tf.tools import choices, flag_groups, flag_types

_WIDTH = 100
_OF_ABSL = frozenset(("help", "helpfull", "helpshort", "helpxml", "?"))
_SHARED_BY_ALL = ("flagfile", "verbosity")
"""Flags of absl that are flags of every command."""
_OTHERS = "Further flags"


def text_of(doc: str, flag_values: flags.FlagValues, own: Mapping[str, flags.Flag]) -> str:
  """Returns the help of a command.

  Args:
    doc: what the command does, with an example.
    flag_values: defined, and not parsed yet.
    own: the flags of the command by name.
  """
  among = flag_groups.groups(flag_values)
  titles: dict[str, list[str]] = {group.title: [] for group in among}
  for name in own:
    group = flag_groups.group_of(name, among)
    titles.setdefault(group.title if group else _OTHERS, []).append(name)
  sections = [_section(title, [own[name] for name in names]) for title, names in titles.items() if names]
  return "\n\n".join([doc.strip(), *sections, _footer()]) + "\n"


def _section(title: str, members: list[flags.Flag]) -> str:
  return "\n".join([f"{title}:", *(line for flag in members for line in _lines(flag))])


def _lines(flag: flags.Flag) -> Iterator[str]:
  """Yields what the help says about a flag."""
  yield f"  --{'[no]' if flag.boolean else ''}{flag.name}{'' if flag.boolean else '=' + _value_name(flag)}"
  for line in _described(flag).split("\n"):
    yield from textwrap.wrap(line, _WIDTH, initial_indent="      ", subsequent_indent="      ", break_on_hyphens=False)
  for name, line in _choices(flag):
    yield from textwrap.wrap(
      f"{name}: {line}", _WIDTH, initial_indent="        ", subsequent_indent="          ", break_on_hyphens=False
    )


def _choices(flag: flags.Flag) -> Iterator[tuple[str, str]]:
  """Yields what a flag can be set to, with a line about each. Commands may take other names with a flag of one name."""
  lines = choices.choices_of(flag.name)
  taken = flag.parser.names if isinstance(flag.parser, flag_types.NameParser | flag_types.NamesParser) else lines.keys()
  yield from ((name, line) for name, line in lines.items() if name in taken)


def _described(flag: flags.Flag) -> str:
  """Returns the help of a flag, with its default unless the help says it."""
  help_ = str(flag.help or "")
  if flag.default is None or "efault: " in help_:
    return help_
  default = str(flag.default).lower() if flag.boolean else str(flag.default_as_str).strip("'") or "none"
  return f"{help_.rstrip('.')}. Default: {default}."


def _value_name(flag: flags.Flag) -> str:
  """Returns what stands for the value of a flag."""
  if isinstance(flag, flags.EnumFlag):
    return "|".join(flag.parser.enum_values)
  if isinstance(flag.parser, flags.IntegerParser):
    return "INTEGER"
  if isinstance(flag.parser, flags.FloatParser):
    return "NUMBER"
  if isinstance(flag.parser, (flag_types.NumbersParser, flag_types.IntegersParser)):
    return "NUMBER,..."
  if isinstance(flag.parser, flags.ListParser | flag_types.NamesParser):
    return "NAME,..."
  return "NAME" if isinstance(flag.parser, flag_types.NameParser) else "TEXT"


def _footer() -> str:
  return (
    "Every command:\n"
    "  --flagfile=FILE\n"
    "      read flags from a file, one per line; flags after it override them\n"
    "  --verbosity=INTEGER\n"
    "      -1: warnings; 0: also TensorFlow messages; 1: also debug messages. Default: -1.\n"
    "  --help\n"
    "      show this help"
  )
