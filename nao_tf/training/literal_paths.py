"""Paths that TensorFlow takes as they are.

TensorFlow reads the paths of checkpoints and SavedModels as patterns: it does not find what is in a directory `a[1]`.
"""

import contextlib
import os
import tempfile
from collections.abc import Iterator

_PATTERN_CHARACTERS = frozenset("*?[]\\")


@contextlib.contextmanager
def literal_path(directory: str) -> Iterator[str]:
  """Yields an absolute path of a directory, as long as the context is open, that has no character of a pattern.

  It is the path of a temporary link if the directory's own path has such a character.

  Args:
    directory: path of a directory; it need not exist.

  Raises:
    OSError: if a link is needed and cannot be created.
  """
  directory = os.path.abspath(directory)
  if _PATTERN_CHARACTERS.isdisjoint(directory):
    yield directory
    return
  with tempfile.TemporaryDirectory(prefix="nao_tf-") as temporary:
    link = os.path.join(temporary, "link")
    os.symlink(directory, link)
    yield link
