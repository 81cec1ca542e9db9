"""Rendered photographs: shaded scenes with noise, in JPEG files of different sizes, for tests of photographs."""

import numpy as np
import tensorflow as tf

NAMES = ("coast", "dune", "field", "forest", "lake", "ridge")


def photograph(number, *, shorter=48, classes=len(NAMES)):
  """Returns a scene of the class `number % classes`, uint8 `[H, W, 3]`: its colors tell the class, all else is random."""
  rng = np.random.default_rng(number)
  height, width = shorter + rng.integers(0, shorter // 2, 2)
  rows, columns = np.mgrid[:height, :width] / shorter
  color = np.random.default_rng(1000 + number % classes).uniform(40, 215, 3)
  waves = [np.sin(a * rows + b * columns + c) for a, b, c in rng.uniform(-6, 6, (3, 3))]
  shading = 20 * np.stack(waves, -1) + rng.normal(0, 6, (height, width, 3))
  return np.clip(color + shading, 0, 255).astype(np.uint8)


def jpeg(number, **options):
  """Returns the content of a JPEG file of a scene."""
  return tf.io.encode_jpeg(photograph(number, **options), quality=90).numpy()


def png(number, **options):
  """Returns the content of a PNG file of a scene."""
  return tf.io.encode_png(photograph(number, **options)).numpy()


def write_photographs(directory, count, *, first=0, classes=len(NAMES), **options):
  """Writes JPEG files into a folder for each class; returns the directory."""
  for number in range(first, first + count):
    path = directory / NAMES[number % classes] / f"{number:05}.jpg"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(jpeg(number, classes=classes, **options))
  return directory


def write_damaged(path, number=0, **options):
  """Writes a PNG file of a scene whose ends are sound and whose middle is not; returns its path as a string."""
  content = bytearray(png(number, **options))
  content[len(content) // 2] ^= 0xFF
  path.write_bytes(content)
  return str(path)
