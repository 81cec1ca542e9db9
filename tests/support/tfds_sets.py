"""Small image sets of TensorFlow Datasets, written for a test."""

import numpy as np
import tensorflow_datasets as tfds
from tensorflow_datasets.core import registered

CLASSES = ("cat", "dog", "fox")


def write_set(directory, name, splits, *, feature=None, classes=CLASSES, features=None, shards=None):
  """Prepares a set, which is then found by its name in the directory.

  Args:
    directory: the data_dir.
    name: of the set, in snake case.
    splits: lists of (image, label) by the name of the split.
    feature: the feature of the images; None for one of the type and shape of the first image.
    classes: names of the classes.
    features: features of another set than one of labeled images; the examples are then dicts.
    shards: number of files of each split; None for what TensorFlow Datasets chooses.
  """
  if features is None:
    first = next(image for examples in splits.values() for image, _ in examples)
    feature = feature or tfds.features.Image(shape=first.shape, dtype=first.dtype)
    features = {"image": feature, "label": tfds.features.ClassLabel(names=list(classes))}
    splits = {key: [{"image": image, "label": label} for image, label in value] for key, value in splits.items()}
  with registered.skip_registration():

    class Builder(tfds.core.GeneratorBasedBuilder):
      VERSION = tfds.core.Version("1.0.0")

      def _info(self):
        return tfds.core.DatasetInfo(
          builder=self, features=tfds.features.FeaturesDict(features), disable_shuffling=True
        )

      def _split_generators(self, dl_manager):
        return {key: enumerate(examples) for key, examples in splits.items()}

      def _generate_examples(self):
        raise NotImplementedError

  Builder.name = name
  tfds.disable_progress_bar()
  builder = Builder(data_dir=str(directory))
  builder.download_and_prepare(download_config=tfds.download.DownloadConfig(try_download_gcs=False, num_shards=shards))
  return str(directory)


def random_images(count, shape=(6, 6, 1), dtype="uint8", *, low=0, high=255, seed=0):
  """Returns images of a type whose values lie between two bounds."""
  values = np.random.default_rng(seed).uniform(low, high, (count, *shape))
  return np.round(values).astype(dtype) if np.dtype(dtype).kind in "ui" else values.astype(dtype)


def examples(images, labels):
  """Returns pairs for `write_set`."""
  return [(image, int(label)) for image, label in zip(images, labels, strict=True)]
