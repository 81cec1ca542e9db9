"""Your own images: a search and a trained model of Keras in two calls, once for arrays and once for a folder of files.

The images are rendered here: circles, squares and crosses at random places. Put your own in their place.
"""

import pathlib

import numpy as np
import tensorflow as tf

import nao_tf

CLASSES = ("circle", "cross", "square")
TINY = {"num_cells": 1, "filters": 4, "auxiliary": False, "drop_path_keep": 1.0, "learning_rate": 0.1}


def render(rng, name, size=16):
  """Returns an image of a shape in a random color at a random place, uint8 `[H, W, 3]`."""
  rows, columns = np.mgrid[:size, :size] - rng.uniform(0.35, 0.65, 2)[:, np.newaxis, np.newaxis] * size
  radius = rng.uniform(0.2, 0.3) * size
  distances = np.abs(rows), np.abs(columns)
  inside = {
    "circle": np.hypot(*distances) < radius,
    "cross": (np.minimum(*distances) < radius / 3) & (np.maximum(*distances) < radius),
    "square": np.maximum(*distances) < radius,
  }[name]
  background, color = rng.integers(0, 100, 3), rng.integers(150, 256, 3)
  return np.where(inside[..., np.newaxis], color, background).astype(np.uint8)


def make_arrays(seed, num_images):
  """Returns images `[N, H, W, 3]` and the names of their shapes `[N]`."""
  rng = np.random.default_rng(seed)
  names = [CLASSES[i % len(CLASSES)] for i in range(num_images)]
  return np.stack([render(rng, name) for name in names]), np.array(names)


def write_folder(directory, seed, num_images):
  """Writes images as PNG files into one folder for each class."""
  for number, (image, name) in enumerate(zip(*make_arrays(seed, num_images))):
    path = pathlib.Path(directory) / name / f"{number}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(tf.io.encode_png(image).numpy())


def main(directory="runs/own_images", num_images=200, num_trials=4, child_epochs=5, epochs=20):
  directory = pathlib.Path(directory)
  x_train, y_train = make_arrays(0, num_images)
  found = nao_tf.search(
    x_train, y_train, num_trials=num_trials, workdir=directory / "arrays", epochs=child_epochs, **TINY
  )
  model = found.train(epochs=epochs)
  accuracies = [measure(found, model)]

  write_folder(directory / "images", 0, num_images)
  found = nao_tf.search(
    directory / "images", num_trials=num_trials, workdir=directory / "folder", epochs=child_epochs, **TINY
  )
  accuracies.append(measure(found, found.train(epochs=epochs)))
  found.export(directory / "saved_model")
  return accuracies


def measure(found, model):
  """Returns the accuracy of a model on images that it has not seen."""
  x_test, y_test = make_arrays(1, 60)
  classes = np.array([found.labels.index(name) for name in y_test])
  _, accuracy = model.evaluate(x_test, classes, verbose=0)
  print(f"{found}: accuracy {accuracy:.2f} on new images")
  return accuracy


if __name__ == "__main__":
  main()
