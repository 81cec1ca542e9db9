"""Files that a forked process must not hold: it would keep their locks when the process has ended that took them."""

import functools
import os
import weakref
from io import FileIO


def close_in_forks(file: FileIO) -> None:
  """Closes a file in each process that is forked from this one.

  A lock belongs to an open file and not to a process. So without this, a process that an evaluation leaves behind would
  keep the lock of its search.
  """
  os.register_at_fork(after_in_child=functools.partial(_close, weakref.ref(file)))


def _close(reference: "weakref.ref[FileIO]") -> None:
  file = reference()
  if file is not None:
    file.close()
