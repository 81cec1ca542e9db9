"""Labeled images in arrays, as a source of an image task."""

import numpy as np
import tensorflow as tf

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


class StreamedArrays(ArraySource):
  """Arrays that are said to be too many for memory, and come as a stream that cannot be chosen from."""

  num_bytes = property(lambda self: 2**40, lambda self, value: None)

  def num_examples(self, split):
    return len(self.splits[split][1])

  def stream(self, split, first=0, last=None):
    return tf.data.Dataset.from_tensor_slices(tuple(array[first:last] for array in self.splits[split]))


def array_task(train, test=None, *, num_classes=None, **options):
  """Returns a task on arrays, without augmentation."""
  source = ArraySource(train, test, num_classes=num_classes)
  return ImageClassification("arrays", source, **{"crop_padding": 0, "flip": False, **options})


def raw_arrays(task, split):
  """Returns all raw images and classes of a split."""
  images, labels = zip(*((images.numpy(), labels.numpy()) for images, labels in task.raw_batches(split, 64)))
  return np.concatenate(images), np.concatenate(labels)


def arrays(dataset):
  """Returns the batches of a dataset as tuples of arrays."""
  return [tuple(part.numpy() for part in batch) for batch in dataset]
