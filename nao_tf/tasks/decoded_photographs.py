"""Photographs that are decoded once: their pixels are kept on disk, and each epoch reads them from there.

To decode a photograph takes more than half of the time of the input. The pixels take about ten times as much room as the
JPEG files. Each photograph is a file of its own, so any of them can be read, in any order.
"""

import contextlib
import glob
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from nao_tf.runs.json_files import read_json, write_json
from nao_tf.runs.progress_bars import progress_bar
from nao_tf.tasks.photograph_decoding import photograph_errors, whole
from nao_tf.tasks.photograph_pixels import encoded, label_of
from nao_tf.tasks.photograph_sources import PhotographSource
from nao_tf.training.fixed_parallelism import with_fixed_parallelism

_MANIFEST = "photographs.json"
_FORMAT = 1
_FILES_PER_DIRECTORY = 1000
_SAMPLE = 64
"""So many photographs are decoded before the room that all of them need is estimated."""
_SECONDS_BETWEEN_LINES = 30.0


def decoded_once(source: PhotographSource, directory: str | None) -> PhotographSource:
  """Returns the photographs of a source with their pixels in a directory, or the source itself without one.

  Raises:
    ValueError: as `DecodedPhotographs`.
  """
  return source if directory is None else DecodedPhotographs(source, directory)


def check_not_decoded(directory: str | None) -> None:
  """Checks that no directory of pixels is given for images that are no photographs.

  Raises:
    ValueError: if one is.
  """
  if directory is not None:
    raise ValueError(f"--decoded_dir={directory}: is for photographs that are decoded on the fly; add --photographs")


class DecodedPhotographs:
  """The photographs of a source, of which those to train on are decoded once; a `PhotographSource` itself.

  The test photographs are left to the source, since they are read once.
  """

  def __init__(self, source: PhotographSource, directory: str):
    """Initializes with a directory. Photographs are decoded when the first ones are needed.

    Args:
      source: source of the photographs.
      directory: where the pixels are, or will be. It is created if it does not exist.

    Raises:
      ValueError: if the directory has the pixels of other photographs, or is not a directory.
    """
    self._source, self._directory = source, os.path.abspath(os.path.expanduser(directory))
    self.image_shape, self.labels = source.image_shape, source.labels
    self.pixels, self.num_bytes, self.fingerprint = source.pixels, source.num_bytes, source.fingerprint
    self._prefix, self._is_complete = os.fsencode(self._directory), False
    self._check_directory()

  def load(self, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Raises ValueError; see `PhotographSource.load`."""
    return self._source.load(split)

  def num_examples(self, split: str) -> int:
    """Returns the number of photographs; see `PhotographSource.num_examples`."""
    return self._source.num_examples(split)

  def classes(self, split: str) -> np.ndarray:
    """Returns the classes of photographs; see `PhotographSource.classes`."""
    return self._source.classes(split)

  def contents(
    self, split: str, chosen: np.ndarray | None, seed: tf.Tensor | None, first: tf.Tensor | int = 0
  ) -> tf.data.Dataset:
    """Returns photographs, with the pixels of those to train on; see `PhotographSource.contents`.

    All orders are equally likely, and no other photographs are opened.

    Raises:
      OSError: if the photographs must be decoded and the disk has no room for them.
      DamagedData: if one of them cannot be decoded.
    """
    if split != "train":
      return self._source.contents(split, chosen, seed, first)
    with tf.init_scope():  # The caller may be building a graph.
      self.decode()
    numbers = tf.constant(np.arange(self.num_examples("train")) if chosen is None else chosen, tf.int64)
    order = tf.range(tf.size(numbers))
    order = order if seed is None else tf.random.experimental.stateless_shuffle(order, seed)
    return tf.data.Dataset.from_tensor_slices(tf.gather(numbers, order)[first:]).map(
      self._read, num_parallel_calls=tf.data.AUTOTUNE
    )

  @tf.autograph.experimental.do_not_convert
  def decode(self) -> None:
    """Decodes the photographs whose pixels are not on disk yet, and shows the progress.

    Raises:
      OSError: if the disk has no room for them.
      DamagedData: if a photograph cannot be decoded.
    """
    missing = np.empty(0, np.int64) if self._is_complete else self._missing()
    if len(missing):
      os.makedirs(self._directory, exist_ok=True)
      write_json(os.path.join(self._directory, _MANIFEST), self._identity)
      total = self.num_examples("train")
      bar = progress_bar(total, "photograph", initial=total - len(missing), seconds=_SECONDS_BETWEEN_LINES)
      with contextlib.closing(bar):
        self._write_all(missing, bar.update)
    self._is_complete = True

  def _write_all(self, numbers: np.ndarray, on_written: Callable[[], Any]) -> None:
    """Decodes and writes photographs."""
    for count, content in enumerate(self._decoded(numbers)):
      self._write(numbers[count], content)
      on_written()
      if count + 1 == _SAMPLE:
        self._check_room(numbers[:_SAMPLE], len(numbers) - _SAMPLE)

  def _decoded(self, numbers: np.ndarray) -> Iterator[bytes]:
    """Yields photographs as the contents of files."""
    size, count = self.image_shape[0], 0
    with photograph_errors(f"--decoded_dir={self._directory}", lambda: self._place_of(numbers[count])):
      photographs = self._source.contents("train", numbers, None).map(
        lambda content, label, place: (whole(content, place, size), label), num_parallel_calls=tf.data.AUTOTUNE
      )
      for pixels, label in with_fixed_parallelism(photographs).as_numpy_iterator():
        yield encoded(pixels, label)
        count += 1

  def _place_of(self, number: int) -> str:
    """Returns what the source calls a photograph."""
    contents = with_fixed_parallelism(self._source.contents("train", np.array([number]), None))
    return next(place for _, _, place in contents.as_numpy_iterator()).decode(errors="replace")

  def _read(self, number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    folder = tf.strings.as_string(number // _FILES_PER_DIRECTORY)
    path = tf.strings.join([self._prefix, folder, tf.strings.as_string(number)], os.sep)
    content = tf.io.read_file(path)
    return content, label_of(content), path

  def _path(self, number: int) -> str:
    return os.path.join(self._directory, str(number // _FILES_PER_DIRECTORY), str(number))

  def _write(self, number: int, content: bytes) -> None:
    """Writes a file as a whole or not at all. Other processes may be writing the same ones."""
    path = self._path(number)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(suffix=".tmp", dir=os.path.dirname(path))
    try:
      with open(descriptor, "wb") as file:
        file.write(content)
      os.replace(temporary, path)
    except BaseException:
      os.remove(temporary)
      raise

  def _missing(self) -> np.ndarray:
    """Returns the numbers of the photographs whose pixels are not on disk."""
    names = (
      name for folder in glob.iglob(os.path.join(glob.escape(self._directory), "*/")) for name in os.listdir(folder)
    )
    present = np.array([int(name) for name in names if name.isdigit()], np.int64)
    return np.setdiff1d(np.arange(self.num_examples("train")), present)

  def _check_room(self, written: np.ndarray, num_missing: int) -> None:
    """Checks that the disk has room for what is missing, by the mean size of what was written."""
    size = np.mean([os.path.getsize(self._path(number)) for number in written])
    needed, free = float(size) * num_missing, shutil.disk_usage(self._directory).free
    if free < needed:
      raise OSError(
        f"--decoded_dir={self._directory}: the pixels need about {needed / 1e9:,.2f} GB more, and {free / 1e9:,.2f} GB "
        "are free; choose a directory with more room, or train without one"
      )

  @property
  def _identity(self) -> dict[str, Any]:
    """What the pixels depend on, as JSON values by name."""
    num_examples = self.num_examples("train")
    return {**self.fingerprint, "num_examples": num_examples, "image_size": self.image_shape[0], "format": _FORMAT}

  def _check_directory(self) -> None:
    flag, path = f"--decoded_dir={self._directory}", os.path.join(self._directory, _MANIFEST)
    if os.path.exists(path):
      found = read_json(path)
      if found != self._identity:
        raise ValueError(
          f"{flag}: holds other photographs, or those of another size ({_difference(found, self._identity)}); choose "
          "another directory, or delete this one"
        )
    elif os.path.exists(self._directory) and not os.path.isdir(self._directory):
      raise ValueError(f"{flag}: expected a directory, got a file")
    elif os.path.isdir(self._directory) and os.listdir(self._directory):
      raise ValueError(f"{flag}: holds other files; expected a new or an empty directory")


def _difference(found: Any, expected: dict[str, Any]) -> str:
  """Returns in words which value differs."""
  if not isinstance(found, dict):
    return f"{_MANIFEST} is not an object"
  name = next(name for name in sorted({*found, *expected}) if found.get(name) != expected.get(name))
  return f"{name} was {found.get(name)!r}, is {expected.get(name)!r}"
