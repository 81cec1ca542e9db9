"""Classification of images in files: a directory with a folder for each class, or a list in a CSV file."""

import hashlib
import os
from collections.abc import Sequence
from typing import Any

from nao_tf.tasks.array_source import ArraySource
from nao_tf.tasks.class_labels import one_label_each
from nao_tf.tasks.image_files import ImageFile, read_images
from nao_tf.tasks.image_lists import files_of_csv, files_of_directory
from nao_tf.tasks.image_sizes import ImageSize
from nao_tf.tasks.own_images import OwnImages

LIST_ENDING = ".csv"


class FolderClassification(OwnImages):
  """Classification of images in files."""

  def __init__(
    self,
    name: str = "folder",
    *,
    data_dir: str | None = None,
    download: bool = False,
    image_dir: str | None = None,
    image_size: int | None = None,
    skip_corrupt: bool = False,
    **options: Any,
  ):
    """Reads the images.

    Args:
      name: name of the task.
      data_dir: not used.
      download: not used.
      image_dir: path of a directory with a folder for each class, or of a CSV file with file names and labels.
      image_size: height and width to resize all images to; None to keep their size.
      skip_corrupt: whether to leave out files that are not images, with a warning.
      **options: options of `OwnImages`.

    Raises:
      ValueError: if there is no `image_dir`, or nothing to learn from in it; the message says why.
      FileNotFoundError: if there is no such directory or file.
    """
    del data_dir, download
    if image_dir is None:
      raise ValueError(f"{name}: expected an image_dir, a directory with a folder of images for each class, got none")
    source = source_of_files(image_dir, image_size=image_size, skip_corrupt=skip_corrupt)
    super().__init__(name, source, **options)


def source_of_files(
  path: str | os.PathLike[str], *, image_size: ImageSize | None = None, skip_corrupt: bool = False
) -> ArraySource:
  """Returns the images of a directory with a folder for each class, or of a CSV file.

  Args:
    path: of the directory or of the file.
    image_size: height and width to resize all images to; None to keep their size.
    skip_corrupt: whether to leave out files that are not images, with a warning.

  Raises:
    ValueError: if there is nothing to learn from; the message says why.
    FileNotFoundError: if there is no such file or directory.
  """
  place = os.path.expanduser(path)
  images, labels = read_images(list_files(place), place, image_size=image_size, skip_corrupt=skip_corrupt)
  return ArraySource(images, labels, place=place)


def source_of_list(
  paths: Sequence[str | os.PathLike[str]],
  labels: Any,
  *,
  image_size: ImageSize | None = None,
  skip_corrupt: bool = False,
) -> ArraySource:
  """Returns the images of files that are listed, with a label for each.

  Args:
    paths: of the files.
    labels: one for each file; see `nao_tf.tasks.class_labels.one_label_each`.
    image_size: height and width to resize all images to; None to keep their size.
    skip_corrupt: whether to leave out files that are not images, with a warning.

  Raises:
    ValueError: if there is nothing to learn from; the message says why.
    FileNotFoundError: if there is no such file.
  """
  given = one_label_each(labels, "y").tolist()
  if len(paths) != len(given):
    raise ValueError(f"x, y: expected a label for each image, got {len(paths)} files and {len(given)} labels")
  files = [ImageFile(os.path.expanduser(os.fspath(path)), label) for path, label in zip(paths, given)]
  missing = [file.path for file in files if not os.path.isfile(file.path)]
  if missing:
    raise FileNotFoundError(f"{missing[0]}: there is no such file ({len(missing)} of the {len(files)} files of x)")
  images, kept = read_images(files, "x", image_size=image_size, skip_corrupt=skip_corrupt)
  return ArraySource(images, kept, place="x, y")


def files_fingerprint(path: str) -> str:
  """Returns what tells the files of a directory or a CSV file from others: a checksum of their contents and labels.

  Raises:
    ValueError: if no images are listed there.
    OSError: if a file cannot be read.
  """
  checksum = hashlib.sha256()
  for listed in list_files(os.path.expanduser(path)):
    checksum.update(f"{listed.label}\n".encode("utf-8", "replace"))
    with open(listed.path, "rb") as file:
      checksum.update(hashlib.sha256(file.read()).digest())
  return checksum.hexdigest()[:32]


def list_files(path: str) -> list[ImageFile]:
  """Returns the image files of a directory with a folder for each class, or those that a CSV file lists.

  Raises:
    ValueError: if it is neither, or lists no images.
    FileNotFoundError: if there is no such directory or file.
  """
  if not os.path.exists(path):
    raise FileNotFoundError(f"{path}: there is no such directory with a folder for each class, and no such CSV file")
  if os.path.isdir(path):
    return files_of_directory(path)
  if path.lower().endswith(LIST_ENDING):
    return files_of_csv(path)
  raise ValueError(
    f"{path}: expected a directory with a folder for each class, or a file whose name ends in {LIST_ENDING}; the name of a"
    " text ends in .txt"
  )
