"""Photographs in folders: those to train on alone, or beside those of a test set, as ImageNet is often stored."""

import os
from collections.abc import Sequence

from nao_tf.tasks.image_files import ImageFile
from nao_tf.tasks.image_lists import SPLITS, files_of_directory, list_files
from nao_tf.tasks.photograph_sources import PhotographFiles, fingerprint

_TRAIN, _TEST = ("train", "training"), ("test", "testing", "val", "valid", "validation")


def photograph_files(path: str, *, image_size: int, skip_corrupt: bool = False) -> PhotographFiles:
  """Returns the photographs of a directory or of a CSV file.

  Args:
    path: path of a CSV file; or of a directory that has a folder for each class, or a directory of images to train on
      (train) and one of test images (test, or else val), each with a folder for each class.
    image_size: height and width of the images that networks see.
    skip_corrupt: whether to leave out files that cannot be decoded, with a warning.

  Raises:
    ValueError: if there is nothing to learn from; the message says why.
    FileNotFoundError: if there is no such file or directory.
  """
  place = os.path.expanduser(path)
  return PhotographFiles(_listed(place), place, image_size=image_size, skip_corrupt=skip_corrupt)


def photographs_fingerprint(path: str) -> str:
  """Returns what tells the files of a directory or a CSV file from others, without reading them.

  Raises:
    ValueError: if no images are listed there.
    OSError: if a file cannot be read.
  """
  listed = _listed(os.path.expanduser(path), reports=False)
  return str(fingerprint([file for files in listed.values() for file in files])["photographs"])


def _listed(path: str, *, reports: bool = True) -> dict[str, Sequence[ImageFile]]:
  """Returns the files to train on and, if there are any, those to test with; see `list_files`."""
  folders = _split_folders(path)
  train = next((folders[name] for name in _TRAIN if name in folders), None)
  if train is None:
    return {"train": list_files(path, reports=reports)}
  tests = [folders[name] for name in _TEST if name in folders]
  test = next(filter(_has_folders, tests), tests[0] if tests else None)
  parts = {"train": train} if test is None else {"train": train, "test": test}
  return {part: files_of_directory(folder, reports=reports) for part, folder in parts.items()}


def _has_folders(path: str) -> bool:
  """Returns whether a directory has folders, as one of images with classes has; the test images of ImageNet have none."""
  return any(entry.is_dir() and not entry.name.startswith(".") for entry in os.scandir(path))


def _split_folders(path: str) -> dict[str, str]:
  """Returns the folders of a directory by their names, if they are all those of splits."""
  if not os.path.isdir(path):
    return {}
  names = [entry.name for entry in os.scandir(path) if entry.is_dir() and not entry.name.startswith(".")]
  return {name.lower(): os.path.join(path, name) for name in names} if {n.lower() for n in names} <= SPLITS else {}
