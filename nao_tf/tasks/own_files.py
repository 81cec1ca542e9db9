"""Classification of images in files: a directory with one subdirectory per class, or a list in a CSV file."""

import hashlib
import os
from collections.abc import Sequence
from typing import Any

from nao_tf.tasks.array_source import ArraySource
from nao_tf.tasks.class_labels import one_label_each
from nao_tf.tasks.decoded_photographs import check_not_decoded, decoded_once
from nao_tf.tasks.image_files import ImageFile, read_images
from nao_tf.tasks.image_lists import list_files
from nao_tf.tasks.image_sizes import ImageSize
from nao_tf.tasks.own_images import OwnImages
from nao_tf.tasks.photograph_folders import photograph_files
from nao_tf.tasks.photograph_headers import opened
from nao_tf.tasks.photograph_sources import DEFAULT_SIZE


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
    photographs: bool = False,
    decoded_dir: str | None = None,
    **options: Any,
  ):
    """Reads the images, or for photographs only checks their files.

    Args:
      name: name of the task.
      data_dir: ignored.
      download: ignored.
      image_dir: path of a directory with one subdirectory per class, or of a CSV file with image paths and labels.
      image_size: height and width to resize all images to. None to keep their size, or 224 pixels for photographs.
      skip_corrupt: whether to skip files that are not valid images, with a warning.
      photographs: whether to decode images on the fly, with random crops in training and center crops in evaluation;
        see `nao_tf.tasks.photograph_decoding`. `image_dir` may then contain a directory of training images and one of
        test images; see `nao_tf.tasks.photograph_folders`.
      decoded_dir: directory to keep the pixels of training photographs in, so that they are decoded once; see
        `nao_tf.tasks.decoded_photographs`. None: they are decoded in each epoch.
      **options: options of `OwnImages`. By default photographs are flipped and not padded.

    Raises:
      ValueError: if `image_dir` is not given, its images are invalid, or `decoded_dir` is given without `photographs` or has
        other files; the message gives the reason.
      FileNotFoundError: if there is no such directory or file.
    """
    del data_dir, download
    if image_dir is None:
      raise ValueError(
        f"task {name!r} needs the directory of its images: --image_dir with a folder of images for each class, or a .csv"
        " file of image paths and labels"
      )
    if photographs:
      size = image_size or DEFAULT_SIZE
      files = photograph_files(image_dir, image_size=size, skip_corrupt=skip_corrupt)
      super().__init__(name, decoded_once(files, decoded_dir), **{"crop_padding": 0, "flip": True, **options})
      return
    check_not_decoded(decoded_dir)
    source = source_of_files(image_dir, image_size=image_size, skip_corrupt=skip_corrupt)
    super().__init__(name, source, **options)


def source_of_files(
  path: str | os.PathLike[str], *, image_size: ImageSize | None = None, skip_corrupt: bool = False
) -> ArraySource:
  """Returns the images of a directory with one subdirectory per class, or of a CSV file.

  Args:
    path: path of the directory or of the file.
    image_size: height and width to resize all images to; None to keep their size.
    skip_corrupt: whether to skip files that are not valid images, with a warning.

  Raises:
    ValueError: if the images are invalid; the message gives the reason.
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
  """Returns the images of listed files, with a label for each.

  Args:
    paths: paths of the files.
    labels: one label per file; see `nao_tf.tasks.class_labels.one_label_each`.
    image_size: height and width to resize all images to; None to keep their size.
    skip_corrupt: whether to skip files that are not valid images, with a warning.

  Raises:
    ValueError: if the images are invalid; the message gives the reason.
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
  """Returns a fingerprint of the files of a directory or CSV file: a checksum of their contents and labels.

  Raises:
    ValueError: if no images are listed there.
    OSError: if a file cannot be read.
  """
  checksum = hashlib.sha256()
  for listed in list_files(os.path.expanduser(path), reports=False):
    checksum.update(f"{listed.label}\n".encode("utf-8", "surrogateescape"))
    checksum.update(_digest(listed.path))
  return checksum.hexdigest()[:32]


def _digest(path: str) -> bytes:
  """Returns a checksum of the content of a file; nothing of a broken link."""
  try:
    with opened(path) as file:
      return hashlib.sha256(file.read()).digest()
  except ValueError:
    return b""
