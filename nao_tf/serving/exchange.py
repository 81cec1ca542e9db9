"""Exchanges two directories in one step, where the system can."""

import ctypes
import errno
import os
import sys

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


def exchange(first: str, second: str) -> None:
  """Exchanges what two paths name, so that at no moment either of them is missing. Linux has a call for this.

  Args:
    first: path of a directory.
    second: path of another one in the same file system.

  Raises:
    OSError: if the system or the file system has no such call, one of them is a mount point, or it is not allowed.
  """
  rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None) if sys.platform == "linux" else None
  if rename is None:
    raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), first)
  if rename(_AT_FDCWD, os.fsencode(first), _AT_FDCWD, os.fsencode(second), _RENAME_EXCHANGE):
    number = ctypes.get_errno()
    raise OSError(number, os.strerror(number), first, None, second)
