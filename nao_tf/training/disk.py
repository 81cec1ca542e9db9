"""What is on the disk, and not only in the memory of the system, outlives a power cut."""

import os


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
