"""Rendered shapes as image files, for tests of files: circles and squares at random places."""

import csv

import numpy as np
import tensorflow as tf

NAMES = ("circle", "square")


def shape_image(number, size=(16, 16), channels=3):
  """Returns the shape of the class `number % 2` in random colors at a random place, uint8 `[H, W, C]`."""
  rng = np.random.default_rng(number)
  rows, columns = np.mgrid[: size[0], : size[1]]
  center, radius = rng.uniform(0.35, 0.65, 2) * size, 0.3 * min(size)
  distances = np.stack([np.abs(rows - center[0]), np.abs(columns - center[1])])
  inside = np.hypot(*distances) < radius if number % 2 == 0 else distances.max(0) < radius
  colors = rng.integers(0, 256, (2, channels), np.uint8)
  return np.where(inside[..., np.newaxis], colors[0], colors[1])


def shape_arrays(count=20, **options):
  """Returns images `[N, H, W, C]` and their names `[N]`."""
  images = np.stack([shape_image(number, **options) for number in range(count)])
  return images, np.array([NAMES[number % 2] for number in range(count)])


def write_folders(directory, count=20, ending=".png", **options):
  """Writes images into a folder for each class; returns the directory."""
  for number in range(count):
    path = directory / NAMES[number % 2] / f"{number}{ending}"
    path.parent.mkdir(parents=True, exist_ok=True)
    encode = tf.io.encode_jpeg if ending in (".jpg", ".jpeg") else tf.io.encode_png
    path.write_bytes(encode(shape_image(number, **options)).numpy())
  return directory


def write_wide_folders(directory, count=4, **options):
  """Writes PNG files of 16 bits into a folder for each class; returns the images, uint16 `[N, H, W, C]`."""
  rng = np.random.default_rng(0)
  images = [shape_image(number, **options).astype(np.uint16) * 257 for number in range(count)]
  images = [image // 2 + rng.integers(0, 256, image.shape, np.uint16) for image in images]
  for number, image in enumerate(images):
    path = directory / NAMES[number % 2] / f"{number}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(tf.io.encode_png(image).numpy())
  return np.stack(images)


def write_list(directory, header=("file", "label")):
  """Writes a CSV file beside folders of classes; returns its path."""
  path = directory / "list.csv"
  rows = [(str(file.relative_to(directory)), file.parent.name) for file in sorted(directory.glob("*/*"))]
  with open(path, "w", newline="") as file:
    csv.writer(file).writerows([header, *rows] if header else rows)
  return path
