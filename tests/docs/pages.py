"""Reads the pages of the documentation: their blocks of code, their links, their commands."""

import dataclasses
import importlib
import importlib.util
import inspect
import pathlib
import re
import shlex
from collections.abc import Sequence

from absl import flags

from nao_tf.tools import flag_groups

ROOT = pathlib.Path(__file__).parent.parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


@dataclasses.dataclass(frozen=True)
class Block:
  """A fenced block of code.

  Attributes:
    text: what is in it.
    line: number of its first line on the page.
  """

  text: str
  line: int


def name_of(path: pathlib.Path) -> str:
  """Returns the path of a page from the root of the repository."""
  return path.relative_to(ROOT).as_posix()


def blocks(path: pathlib.Path, language: str) -> list[Block]:
  """Returns the fenced blocks of a language on a page."""
  text = path.read_text(encoding="utf-8")
  found = re.finditer(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
  return [Block(match[1], text[: match.start(1)].count("\n") + 1) for match in found]


def prose(path: pathlib.Path) -> str:
  """Returns a page without its fenced blocks."""
  return re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def commands(path: pathlib.Path) -> list[list[str]]:
  """Returns the commands of this package on a page, each as its words: `nao-search ...` or `python tools/search.py ...`.

  Commands stand in blocks of bash and in indented blocks, not in blocks of text, which have outputs. `a|b` stands for one
  of both; the first one is taken.
  """
  text = re.sub(r"^```text\n.*?^```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
  text = re.sub(r" *\\\n\s*", " ", text)
  found = re.findall(r"^ *(?:.*?[ /])?(nao-[a-z-]+(?: +--.*)|python tools/[a-z_]+\.py(?: +--.*))$", text, re.MULTILINE)
  return [_words(command) for command in found]


def tool_of(words: list[str]) -> str:
  """Returns the name of the module in tools/ that a command runs."""
  if words[0] == "python":
    return pathlib.Path(words[1]).stem
  return words[0].removeprefix("nao-").replace("-", "_")


def parsed(words: str | Sequence[str]) -> flags.FlagValues:
  """Defines the flags of a command and parses it, as the command itself does."""
  words = shlex.split(words) if isinstance(words, str) else list(words)
  tool = importlib.import_module(f"nao_tf.tools.{tool_of(words)}")
  values = flags.FlagValues()
  if "argv" in inspect.signature(tool.define_flags).parameters:
    tool.define_flags(values, words)
  else:
    tool.define_flags(values)
  rest = values(words)
  if tool_of(words) != "rank_shared":  # It takes the flagfiles of searches.
    flag_groups.check(values, words)
  assert rest[1:] == (words[1:2] if words[0] == "python" else [])
  return values


def _words(command: str) -> list[str]:
  command = re.sub(r"[&'].*$", "", command) if command.endswith(("&", "'")) else command
  return [word.split("|")[0] for word in shlex.split(command)]


def program(path):
  """Returns the module of a program in docs."""
  spec = importlib.util.spec_from_file_location(pathlib.Path(path).stem, ROOT / "docs" / path)
  module = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(module)
  return module
