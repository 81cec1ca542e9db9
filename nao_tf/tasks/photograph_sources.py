"""Where photographs come from: image files, which are opened only when they are needed.

A source gives the content of image files, not pixels. `nao_tf.tasks.photograph_split` decodes it.
"""

import concurrent.futures
import hashlib
import os
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
import tensorflow as tf
from absl import logging

from nao_tf.tasks.class_labels import numbered_classes
from nao_tf.tasks.image_files import UNDECODABLE, ImageFile, report_corrupt
from nao_tf.tasks.photograph_headers import read_header
from nao_tf.tasks.pixels import BYTES, Pixels

DEFAULT_SIZE = 224
"""Height and width of the images that networks see, in pixels."""

_NAMED_CLASSES = 5


@runtime_checkable
class PhotographSource(Protocol):
  """Labeled photographs in their encoded form, of any size."""

  @property
  def image_shape(self) -> tuple[int, int, int]:
    """Height, width and channels of the images that networks see."""

  @property
  def labels(self) -> Sequence[str]:
    """Names of the classes."""

  @property
  def pixels(self) -> Pixels:
    """Type and range of decoded images."""

  @property
  def fingerprint(self) -> dict[str, Any]:
    """What tells these photographs from others, as JSON values by name."""

  @property
  def num_bytes(self) -> int:
    """How many bytes of memory the photographs keep."""

  def load(self, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Raises ValueError: photographs are not read into memory."""

  def num_examples(self, split: str) -> int:
    """Returns how many photographs "train" or "test" has."""

  def classes(self, split: str) -> np.ndarray:
    """Returns the classes of "train" or "test" in a fixed order, int32 `[N]`. It may have to read the whole split."""

  def contents(
    self, split: str, chosen: np.ndarray | None, seed: tf.Tensor | None, first: tf.Tensor | int = 0
  ) -> tf.data.Dataset:
    """Returns photographs of a split.

    Args:
      split: "train" or "test".
      chosen: numbers of photographs, in the order of `classes`; None for all.
      seed: the order is a function of it, `[2]`; None for that of `classes`.
      first: how many photographs to leave out, in that order.

    Returns:
      Triples (content, class, place) of a string, an int32 and a string: the content of an image file, and what the
      photograph is called in messages.
    """


class PhotographFiles:
  """Photographs in files.

  Attributes:
    image_shape: height, width and channels of the images that networks see.
    labels: names of the classes.
    pixels: those of decoded images.
    num_bytes: 0.
    fingerprint: what tells these files from others, as JSON values by name: their names, sizes and classes.
  """

  num_bytes = 0
  pixels = BYTES

  def __init__(
    self,
    files: Mapping[str, Sequence[ImageFile]],
    place: str,
    *,
    image_size: int = DEFAULT_SIZE,
    skip_corrupt: bool = False,
  ):
    """Checks both ends of all files, and decodes those that seem to be incomplete.

    Args:
      files: files of "train" and, if there are any, of "test". The latter have the classes of the former.
      place: where the files are listed, for messages.
      image_size: height and width of the images that networks see.
      skip_corrupt: whether to leave out files that cannot be decoded, with a warning.

    Raises:
      ValueError: if there are no two classes, a file cannot be decoded, or a test file has another class.
      OSError: if a file cannot be read.
    """
    self.image_shape = (image_size, image_size, 3)
    everything = [file for part in files.values() for file in part]
    corrupt = _corrupt(everything)
    report_corrupt([f"{path} {reason}" for path, reason in corrupt.items()], len(everything), place, skip_corrupt)
    kept = {split: [file for file in part if file.path not in corrupt] for split, part in files.items()}
    train, test = kept["train"], kept.get("test", [])
    numbers, self.labels = numbered_classes([file.label for file in train], place)
    self._paths = {split: np.array([os.fsencode(file.path) for file in part], object) for split, part in kept.items()}
    self._paths.setdefault("test", np.empty(0, object))
    self._classes = {"train": numbers, "test": _test_classes(test, self.labels, place)}
    self.fingerprint = fingerprint(everything)

  def load(self, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Raises ValueError; see `PhotographSource.load`."""
    raise ValueError(f"the {split} photographs are in files, and are not read into memory")

  def num_examples(self, split: str) -> int:
    """Returns the number of photographs; see `PhotographSource.num_examples`."""
    return len(self._classes[split])

  def classes(self, split: str) -> np.ndarray:
    """Returns the classes of photographs; see `PhotographSource.classes`."""
    return self._classes[split]

  def contents(
    self, split: str, chosen: np.ndarray | None, seed: tf.Tensor | None, first: tf.Tensor | int = 0
  ) -> tf.data.Dataset:
    """Returns photographs; see `PhotographSource.contents`. All orders are equally likely, and no others are opened."""
    paths, classes = self._paths[split], self._classes[split]
    if chosen is not None:
      paths, classes = paths[chosen], classes[chosen]
    names, numbers = tf.constant(paths, tf.string), tf.constant(classes, tf.int32)
    order = tf.range(len(paths))
    order = order if seed is None else tf.random.experimental.stateless_shuffle(order, seed)
    return tf.data.Dataset.from_tensor_slices(order[first:]).map(
      lambda i: (tf.io.read_file(names[i]), numbers[i], names[i]), num_parallel_calls=tf.data.AUTOTUNE
    )


def fingerprint(files: Sequence[ImageFile]) -> dict[str, Any]:
  """Returns what tells files from others without reading them: a checksum of their names, sizes and labels."""
  common = os.path.commonpath([os.path.dirname(file.path) for file in files])
  checksum = hashlib.sha256()
  for name, file in sorted((os.path.relpath(file.path, common), file) for file in files):
    checksum.update(f"{name}\n{file.label}\n{_size(file.path)}\n".encode("utf-8", "surrogateescape"))
  return {"photographs": checksum.hexdigest()[:32]}


def _size(path: str) -> int | None:
  """Returns the number of bytes of a file; None of a broken link."""
  try:
    return os.path.getsize(path)
  except OSError:
    if not os.path.islink(path):
      raise
    return None


def _corrupt(files: Sequence[ImageFile]) -> dict[str, str]:
  """Returns which files cannot be decoded, as far as their ends tell, and why."""
  with concurrent.futures.ThreadPoolExecutor() as pool:
    reasons = pool.map(_fault, [file.path for file in files])
    return {file.path: reason for file, reason in zip(files, reasons) if reason}


def _fault(path: str) -> str:
  try:
    header = read_header(path)
  except ValueError as error:
    return f"({error})"
  if header.ends:
    return ""
  try:
    tf.io.decode_image(tf.io.read_file(os.fsencode(path)), expand_animations=False)
  except UNDECODABLE:
    return f"({header.damage})"
  return ""


def _test_classes(files: Sequence[ImageFile], labels: Sequence[str], place: str) -> np.ndarray:
  """Returns the classes of test files, int32 `[N]`."""
  number_of = {label: number for number, label in enumerate(labels)}
  foreign = next((file for file in files if str(file.label) not in number_of), None)
  if foreign is not None:
    raise ValueError(
      f"{place}: expected test images of the classes of the training images, got {foreign.label!r} of {foreign.path}"
    )
  classes = np.array([number_of[str(file.label)] for file in files], np.int32)
  missing = [label for label, number in number_of.items() if number not in set(classes.tolist())]
  if files and missing:
    logging.warning(
      "%s: classes without a test image: %d, such as %s", place, len(missing), ", ".join(missing[:_NAMED_CLASSES])
    )
  return classes
