"""What is on the disk, and not only in the memory of the system, outlives a power cut."""

import os
import shutil

ADVICE = "free disk space and run the same command again"
"""What to do if the disk is full."""


def sync(path: str) -> None:
  """Waits until a file, or the list of the entries of a directory, is on the disk."""
  descriptor = os.open(path, os.O_RDONLY)
  try:
    os.fsync(descriptor)
  finally:
    os.close(descriptor)


def sync_tree(directory: str) -> None:
  """Waits until a directory with everything below it is on the disk."""
  for parent, _, names in os.walk(directory, topdown=False):
    for name in names:
      sync(os.path.join(parent, name))
    sync(parent)


def check_free(directory: str, num_bytes: int) -> None:
  """Checks that there is room for a file.

  Args:
    directory: where it is to be written.
    num_bytes: what it needs.

  Raises:
    OSError: if there is less room; the message says how much is missing.
  """
  free = shutil.disk_usage(directory).free
  if free < num_bytes:
    raise OSError(
      f"{directory}: the disk is full: {num_bytes / 1e6:,.1f} MB are needed, {free / 1e6:,.1f} MB are free; files"
      f" written before are intact: {ADVICE}"
    )
