"""Exports trained image networks as files, and chooses the images that they are compared on."""

from collections.abc import Iterable, Iterator

import numpy as np
import tensorflow as tf

from nao_tf.serving.image_export import answer
from nao_tf.serving.model_files import Measured, write_model_file
from nao_tf.serving.plain_image_models import image_model_of, pixels_of
from nao_tf.serving.trained_networks import TrainedNetwork
from nao_tf.tasks.image_classification import ImageClassification
from nao_tf.training.fixed_parallelism import with_fixed_parallelism

NUM_COMPARED = 1000
NUM_RANDOM = 100
NUM_REPRESENTATIVE = 200
_BATCH = 100


def export_file(
  trained: TrainedNetwork,
  path: str,
  name: str,
  images: np.ndarray,
  representative: Iterable[np.ndarray] = (),
) -> Measured:
  """Writes a trained image network as a file and compares it with the network.

  Args:
    trained: the network.
    path: path of the file.
    name: name of the format, a key of `nao_tf.serving.model_files.FORMATS`.
    images: raw images to compare on.
    representative: raw training images, each `[1, H, W, C]`, for the formats that need some.

  Raises:
    ValueError: if it is not an image network, or a format needs training images and there are none.
    nao_tf.serving.export_target.ExportError: if the file answers differently.
    OSError: if the file cannot be written.
  """
  model = image_model_of(trained)
  batches = [images[start : start + _BATCH] for start in range(0, len(images), _BATCH)]
  pixels = pixels_of(trained.task)
  expected = [answer(trained.network, tf.constant(batch), pixels)["probabilities"] for batch in batches]
  return write_model_file(
    model, path, name, images=images, expected=np.concatenate(expected), training_images=representative
  )


def some_images(task: ImageClassification) -> np.ndarray:
  """Returns up to 1,000 raw test images of a task, or held out or training ones if there are none."""
  split = next(split for split in ("test", "valid", "train") if task.num_examples(split))
  batches = task.raw_batches(split, _BATCH).take(NUM_COMPARED // _BATCH)
  return np.concatenate([images for images, _ in with_fixed_parallelism(batches).as_numpy_iterator()])


def random_images(task: ImageClassification) -> np.ndarray:
  """Returns random images of the type and range of a task's images."""
  low, high, shape = task.pixels.low, task.pixels.high, (NUM_RANDOM, *task.input_shape)
  return tf.cast(np.random.default_rng(0).uniform(low, high, shape), task.pixels.dtype).numpy()


def training_images(task: ImageClassification) -> Iterator[np.ndarray]:
  """Yields raw training images, each `[1, H, W, C]`."""
  examples = with_fixed_parallelism(task.raw_batches("train", 1).take(NUM_REPRESENTATIVE))
  for images, _ in examples.as_numpy_iterator():
    yield images
