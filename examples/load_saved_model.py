"""Loads an exported network and classifies handwritten digits with it. This needs TensorFlow, but not nao_tf.

Run `make search` first: it exports one.
"""

import sys

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits


def main(directory="runs/quickstart/best/saved_model", num_images=20):
  network = tf.saved_model.load(directory)  # Keep this object as long as it is used.
  digits = load_digits()
  images = np.round(digits.images[:num_images, ..., np.newaxis] * (255 / 16)).astype(np.uint8)
  answer = network.signatures["serving_default"](images=tf.constant(images))
  for digit, found, probabilities in zip(digits.target, answer["class"].numpy(), answer["probabilities"].numpy()):
    print(f"digit {digit}: {found} with probability {probabilities.max():.2f}")
  return answer["class"].numpy()


if __name__ == "__main__":
  main(*sys.argv[1:])
