"""Reads image files, BMP, GIF, JPEG and PNG, into one array; unreadable files are counted and named.

Pixels are 8-bit, or 16-bit if a PNG file is; the value 255 of the other files is then converted to 65535.
"""

import concurrent.futures
import dataclasses
import os
from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from absl import logging

from nao_tf.tasks.bmp_headers import bmp_fault
from nao_tf.tasks.image_sizes import ImageSize, resized, stacked
from nao_tf.tasks.photograph_headers import damage, opened

ENDINGS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
UNDECODABLE = (tf.errors.InvalidArgumentError, tf.errors.UnknownError, tf.errors.DataLossError)
"""Errors of decoders of images."""

_NAMED_FILES = 5
_MANY_BYTES = 2**31
_PNG = b"\x89PNG\r\n\x1a\n"
_PLACE_OF_DEPTH = 24
"""Of the byte of a PNG file that says how many bits a number has."""

_BYTE_IN_16_BITS = 257
"""Factor that makes 65535 of 255."""


@dataclasses.dataclass(frozen=True)
class ImageFile:
  """A file with an image.

  Attributes:
    path: path of the file.
    label: label of the image, the name or the number of its class.
  """

  path: str
  label: str | int


def read_images(
  files: Sequence[ImageFile], place: str, *, image_size: ImageSize | None = None, skip_corrupt: bool = False
) -> tuple[np.ndarray, list[str | int]]:
  """Returns the images of files, and their labels.

  Color and grayscale images together become color images. Transparency is dropped. Only the first frame of an animation
  is read.

  Args:
    files: at least one file.
    place: where the files are listed, for error messages.
    image_size: height and width to resize all images to; None to keep their size.
    skip_corrupt: whether to skip files that are not valid images, with a warning.

  Returns:
    Images `[N, H, W, 1]` or `[N, H, W, 3]`, uint8, or uint16 if one of them is 16-bit; and N labels.

  Raises:
    ValueError: if a file is not a valid image and `skip_corrupt` is False, no file is valid, the images differ in size
      and there is no `image_size`, or they do not fit in memory.
  """
  images: list[np.ndarray] = []
  labels: list[str | int] = []
  corrupt: list[str] = []
  num_values, bytes_each = 0, 1
  with concurrent.futures.ThreadPoolExecutor() as pool:
    for file, image in zip(files, pool.map(lambda file: _decoded(file.path, image_size), files)):
      if isinstance(image, str):
        corrupt.append(f"{file.path} ({image})")
        continue
      images.append(image)
      labels.append(file.label)
      num_values, bytes_each = num_values + image.size, max(bytes_each, image.itemsize)
      if num_values * bytes_each > _MANY_BYTES:
        pool.shutdown(wait=False, cancel_futures=True)
        raise ValueError(
          f"{place}: its images at their size do not fit into memory; use a smaller image_size, or decode"
          " them on the fly with --photographs"
        )
  report_corrupt(corrupt, len(files), place, skip_corrupt)
  return stacked(_of_one_kind(_of_one_range(images, place)), place), labels


def _decoded(path: str, image_size: ImageSize | None) -> np.ndarray | str:
  """Returns the image in a file, uint8 or uint16 `[H, W, C]`; if there is none, the reason."""
  try:
    with opened(path) as file:
      content = file.read()
  except ValueError as error:
    return str(error)
  fault = bmp_fault(content)
  if fault:
    return fault
  try:
    dtype = tf.uint16 if _has_16_bits(content) else tf.uint8
    image = tf.io.decode_image(content, dtype=dtype, expand_animations=False)
  except UNDECODABLE:
    return damage(content)
  return np.asarray(image if image_size is None else resized(image, image_size))


def _has_16_bits(content: bytes) -> bool:
  """Returns whether the content of a file is that of a PNG file with numbers of 16 bits."""
  return content.startswith(_PNG) and content[_PLACE_OF_DEPTH : _PLACE_OF_DEPTH + 1] == b"\x10"


def _of_one_range(images: list[np.ndarray], place: str) -> list[np.ndarray]:
  """Returns images that are all uint8, or all uint16."""
  num_wide = sum(image.dtype == np.uint16 for image in images)
  if num_wide in (0, len(images)):
    return images
  logging.info("%s: %d of %d images have 16 bits; the others are scaled to their range", place, num_wide, len(images))
  return [image if image.dtype == np.uint16 else image.astype(np.uint16) * _BYTE_IN_16_BITS for image in images]


def _of_one_kind(images: Sequence[np.ndarray]) -> list[np.ndarray]:
  """Returns images that are all gray `[H, W, 1]`, or all in color `[H, W, 3]`."""
  if all(image.shape[2] < 3 for image in images):
    return [image[..., :1] for image in images]
  return [image[..., :3] if image.shape[2] >= 3 else np.repeat(image[..., :1], 3, axis=2) for image in images]


def report_corrupt(corrupt: Sequence[str], total: int, place: str, skip: bool) -> None:
  """Warns of files that are not images if they are to be skipped.

  Args:
    corrupt: what the files are called in the message.
    total: number of files.
    place: where the files are listed.
    skip: whether they are to be skipped.

  Raises:
    ValueError: if there are such files and they are not to be skipped, or there are no others.
  """
  if not corrupt:
    return
  more = f" and {len(corrupt) - _NAMED_FILES} more" if len(corrupt) > _NAMED_FILES else ""
  found = f"{len(corrupt)} of {total} files cannot be read as images: {', '.join(corrupt[:_NAMED_FILES])}{more}"
  if not skip:
    raise ValueError(
      f"{place}: {found}; remove them, or leave them out with --skip_corrupt (in Python: skip_corrupt=True)"
    )
  if len(corrupt) == total:
    raise ValueError(f"{place}: {found}")
  logging.warning("%s: %s; they are skipped", place, found)


def is_image(name: str) -> bool:
  """Returns whether the name of a file is that of an image."""
  return os.path.splitext(name)[1].lower() in ENDINGS
