"""Flagfiles: files with one flag per line, which replace `--flagfile=PATH` on a command line."""

import os
from collections.abc import Iterator, Sequence

from absl import flags

import nao_tf

_FORMS = ("--flagfile", "-flagfile")
_LARGEST_FILE = 1024 * 1024
"""Bytes."""
_MOST_FILES = 100
_PACKAGED = "flags/"


def expanded(argv: Sequence[str]) -> list[str]:
  """Returns a command line with the flags of flagfiles in their place.

  Empty lines and lines that begin with `#` or `//` are left out. Flagfiles may name other flagfiles. Where there is no
  file `flags/...`, the one that was installed with the package is taken.

  Args:
    argv: the name of the program and its arguments.

  Raises:
    flags.Error: if a flagfile cannot be read, is not text in UTF-8, includes itself, or is larger than 1 MiB, or if there
      are more than 100; the message names the file.
  """
  end = argv.index("--") if "--" in argv else len(argv)
  return [*argv[:1], *_Reader().flags_of(argv[1:end], ()), *argv[end:]]


class _Reader:
  """Reads the flagfiles of one command line."""

  def __init__(self) -> None:
    self._num_files = 0

  def flags_of(self, arguments: Sequence[str], including: tuple[str, ...]) -> Iterator[str]:
    """Yields arguments, those of flagfiles in their place.

    Args:
      arguments: arguments of the command line, or the lines of a flagfile.
      including: the flagfiles that are being read, each included by the one before it.
    """
    rest = iter(arguments)
    for argument in rest:
      form, _, path = argument.partition("=")
      if form not in _FORMS:
        yield argument
        continue
      if argument in _FORMS:
        path = next(rest, "")
      yield from self._flags_in(_place(os.path.expanduser(path.strip())), including)

  def _flags_in(self, path: str, including: tuple[str, ...]) -> Iterator[str]:
    self._num_files += 1
    if not path:
      raise flags.Error("--flagfile: expected the path of a file, got nothing")
    if os.path.realpath(path) in map(os.path.realpath, including):
      raise flags.Error(f"--flagfile={path}: includes itself, by way of {' and '.join(including)}")
    if self._num_files > _MOST_FILES:
      raise flags.Error(f"--flagfile={path}: expected at most {_MOST_FILES} flagfiles")
    lines = (line.strip() for line in _text(path).replace("\r", "\n").split("\n"))
    kept = [line for line in lines if line and not line.startswith(("#", "//"))]
    yield from self.flags_of(kept, (*including, path))


def _place(path: str) -> str:
  """Returns where a flagfile is: at its path, or among those that were installed with the package."""
  installed = os.path.join(os.path.dirname(nao_tf.__file__), path)
  is_packaged = path.startswith(_PACKAGED) and not os.path.exists(path) and os.path.exists(installed)
  return installed if is_packaged else path


def _text(path: str) -> str:
  """Returns the content of a flagfile."""
  try:
    with open(path, "rb") as file:
      data = file.read(_LARGEST_FILE + 1)
  except (OSError, ValueError) as error:
    raise flags.Error(f"--flagfile={path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
  if len(data) > _LARGEST_FILE:
    raise flags.Error(f"--flagfile={path}: expected at most {_LARGEST_FILE} bytes")
  try:
    return data.decode("utf-8-sig")
  except UnicodeDecodeError as error:
    raise flags.Error(f"--flagfile={path}: expected text in UTF-8, got another byte at {error.start}") from error
