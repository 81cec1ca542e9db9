"""Files of plain image models: `.keras` for Keras, `.tflite` for TensorFlow Lite.

A file is first written next to its final path, then loaded in a new process without this package and compared with the
network, and only then moved to its final path.
"""

import contextlib
import dataclasses
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator

import numpy as np
from tensorflow import keras

from nao_tf.serving import model_file_runner
from nao_tf.serving.export_target import ExportError
from nao_tf.serving.tflite_models import computing_in_8_bits, with_half_weights, with_small_weights

Write = Callable[[keras.Model, str, Iterable[np.ndarray]], None]
"""Writes a model at a path. The arrays are raw training images, `[1, H, W, C]`; only some formats read them."""

TOLERANCE = 1e-4
_RUN = "import runpy, sys; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"


@dataclasses.dataclass(frozen=True)
class FileFormat:
  """A format of model files.

  Attributes:
    suffix: the names of its files end with it.
    write: writes one.
    exact: whether its answers are those of the network.
    needs_images: whether writing one needs training images.
  """

  suffix: str
  write: Write
  exact: bool = False
  needs_images: bool = False


@dataclasses.dataclass(frozen=True)
class Measured:
  """Measurements of a model file.

  Attributes:
    num_images: number of images it was compared on.
    agreement: fraction of the images with the same top class as the network.
    difference: largest difference of a probability.
    num_bytes: size of the file, in bytes.
    one_ms: time for one image, in milliseconds.
    batch_ms: time for a batch, in milliseconds.
    batch_size: size of that batch.
  """

  num_images: int
  agreement: float
  difference: float
  num_bytes: int
  one_ms: float
  batch_ms: float
  batch_size: int

  def __str__(self) -> str:
    """Returns all of it in words."""
    return (
      f"same top class for {self.agreement:.2%} of {self.num_images} images, probabilities differ by at most"
      f" {self.difference:.2g}, {self.num_bytes:,} bytes, {self.one_ms:.1f} ms for one image, {self.batch_ms:.1f} ms for"
      f" {self.batch_size}"
    )


def check_file(path: str, name: str) -> None:
  """Checks that a file in a format can be written to a path, before any long work starts.

  Args:
    path: path of the file.
    name: name of the format.

  Raises:
    ValueError: if there is no such format, or the path has the wrong file extension.
    OSError: if the file cannot be written.
  """
  if name not in FORMATS:
    raise ValueError(f"unknown format {name!r}; expected one of {', '.join(FORMATS)}")
  suffix, parent = FORMATS[name].suffix, os.path.dirname(os.path.abspath(path))
  if not path.endswith(suffix):
    raise ValueError(f"{path}: a file of the format {name} has a name that ends with {suffix}")
  if os.path.isdir(path):
    raise IsADirectoryError(f"{path}: is a directory; expected the path of a file")
  os.makedirs(parent, exist_ok=True)
  if not os.access(parent, os.W_OK):
    raise PermissionError(f"{parent}: cannot be written")


def write_model_file(
  model: keras.Model,
  path: str,
  name: str,
  *,
  images: np.ndarray,
  expected: np.ndarray,
  training_images: Iterable[np.ndarray] = (),
) -> Measured:
  """Writes a model file, verifies and measures it in a new process, and then moves it to its final path.

  Args:
    model: the plain model, from raw images to probabilities.
    path: path of the file; an older one is replaced.
    name: name of the format, a key of `FORMATS`.
    images: raw images to compare on, `[B, H, W, C]`.
    expected: the probabilities of the network for them, `[B, num_classes]`.
    training_images: raw training images, each `[1, H, W, C]`, for the formats that need some.

  Raises:
    ExportError: if the file cannot be loaded or run, or a file of an exact format answers differently.
    ValueError: see `check_file`.
    OSError: if the file cannot be written.
  """
  check_file(path, name)
  with whole_file(path, name) as written:
    FORMATS[name].write(model, written, training_images)
    measured = _measure(written, images, expected, os.path.dirname(written))
    if FORMATS[name].exact and not measured.difference <= TOLERANCE:
      raise ExportError(f"{path}: its probabilities differ from those of the network by {measured.difference}")
  return measured


@contextlib.contextmanager
def whole_file(path: str, name: str) -> Iterator[str]:
  """Yields a place to write a file at, in a directory beside its own place, to which it is moved if nothing is raised.

  Args:
    path: the place of the file; an older one is replaced.
    name: name of the format.
  """
  with tempfile.TemporaryDirectory(dir=os.path.dirname(os.path.abspath(path)), prefix=".nao-export-") as directory:
    written = os.path.join(directory, f"model{FORMATS[name].suffix}")
    yield written
    os.replace(written, path)


def _measure(path: str, images: np.ndarray, expected: np.ndarray, directory: str) -> Measured:
  """Runs a file in a new process and compares its answers."""
  images_path, answers_path = (os.path.join(directory, name) for name in ("images.npy", "answers.npz"))
  np.save(images_path, images)
  command = [sys.executable, "-c", _RUN, model_file_runner.__file__, path, images_path, answers_path]
  process = subprocess.run(command, capture_output=True, text=True, check=False)
  if process.returncode:
    raise ExportError(f"the exported model cannot be loaded and run: {process.stderr.strip()[-500:]}")
  with np.load(answers_path) as answers:
    found = answers["probabilities"]
    return Measured(
      num_images=len(images),
      agreement=float(np.mean(found.argmax(-1) == expected.argmax(-1))),
      difference=float(np.abs(found - expected).max()),
      num_bytes=os.path.getsize(path),
      one_ms=float(answers["one_ms"]),
      batch_ms=float(answers["batch_ms"]),
      batch_size=min(model_file_runner.BATCH, len(images)),
    )


def _write_keras(model: keras.Model, path: str, training_images: Iterable[np.ndarray]) -> None:
  del training_images
  model.save(path)


def _write_tflite(model: keras.Model, path: str, training_images: Iterable[np.ndarray]) -> None:
  del training_images
  _write_bytes(path, with_small_weights(model))


def _write_tflite_float16(model: keras.Model, path: str, training_images: Iterable[np.ndarray]) -> None:
  del training_images
  _write_bytes(path, with_half_weights(model))


def _write_tflite_int8(model: keras.Model, path: str, training_images: Iterable[np.ndarray]) -> None:
  _write_bytes(path, computing_in_8_bits(model, training_images))


FORMATS: dict[str, FileFormat] = {
  "keras": FileFormat(".keras", _write_keras, exact=True),
  "tflite": FileFormat(".tflite", _write_tflite),
  "tflite_int8": FileFormat(".tflite", _write_tflite_int8, needs_images=True),
  "tflite_float16": FileFormat(".tflite", _write_tflite_float16),
}


def _write_bytes(path: str, content: bytes) -> None:
  with open(path, "wb") as file:
    file.write(content)
