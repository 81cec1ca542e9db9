"""Labeled images in arrays, as a source of an image task."""

import numpy as np

from nao_tf.tasks.image_classification import ImageClassification


class ArraySource:
  """Images that are in memory from the beginning."""

  def __init__(self, train, test=None, *, num_classes=None, image_shape=None):
    """Holds pairs (images, labels); without a test set there are empty arrays."""
    images, labels = train
    self.splits = {"train": train, "test": test or (images[:0], labels[:0])}
    self.image_shape = image_shape or images.shape[1:]
    self.labels = tuple(f"class {number}" for number in range(num_classes or int(np.max(labels)) + 1))
    self.num_bytes = images.nbytes

  def load(self, split):
    return self.splits[split]


def array_task(train, test=None, *, num_classes=None, **options):
  """Returns a task on arrays, without augmentation."""
  source = ArraySource(train, test, num_classes=num_classes)
  return ImageClassification("arrays", source, **{"crop_padding": 0, "flip": False, **options})
