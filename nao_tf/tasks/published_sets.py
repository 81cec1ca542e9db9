"""Well-known image sets: how many images and classes they have, so that a training can be planned without the data."""

import dataclasses
from typing import Any

import numpy as np

from nao_tf.tasks.base import check_split
from nao_tf.tasks.image_classification import ImageClassification
from nao_tf.tasks.photograph_sources import DEFAULT_SIZE
from nao_tf.tasks.pixels import BYTES


@dataclasses.dataclass(frozen=True)
class PublishedSet:
  """A well-known image set.

  Attributes:
    image_shape: height, width and channels, as networks see them.
    num_classes: how many classes it has.
    num_train: how many images there are to train on.
    num_test: how many labeled test images there are.
  """

  image_shape: tuple[int, int, int]
  num_classes: int
  num_train: int
  num_test: int


PUBLISHED_SETS = {
  "cifar10": PublishedSet((32, 32, 3), 10, 50_000, 10_000),
  "cifar100": PublishedSet((32, 32, 3), 100, 50_000, 10_000),
  "fashion_mnist": PublishedSet((28, 28, 1), 10, 60_000, 10_000),
  "imagenet2012": PublishedSet((DEFAULT_SIZE, DEFAULT_SIZE, 3), 1_000, 1_281_167, 50_000),
}
"""By the name of the task."""


class PlannedClassification(ImageClassification):
  """Classification of a well-known set that is not here: its sizes are known, and no image can be read."""

  def __init__(
    self,
    name: str,
    *,
    image_size: int | None = None,
    validation_fraction: float = 0.1,
    train_examples: int | None = None,
    **options: Any,
  ):
    """Sets up the task.

    Args:
      name: key of `PUBLISHED_SETS`.
      image_size: height and width of the images; None for the usual ones.
      validation_fraction: see `ImageClassification`.
      train_examples: see `ImageClassification`.
      **options: not used.
    """
    del options
    published = PUBLISHED_SETS[name]
    self._sizes, self._fraction = published, validation_fraction
    source = _Nothing(published, image_size)
    super().__init__(name, source, validation_fraction=validation_fraction, train_examples=train_examples)

  def num_examples(self, split: str) -> int:
    """Returns how many images a split has; see `nao_tf.training.base.Problem.num_examples`."""
    check_split(split)
    if split == "test":
      return self._sizes.num_test
    held_out = round(self._sizes.num_train * self._fraction)
    return held_out if split == "valid" else self._division.num_trained_on(self._sizes.num_train - held_out)


class _Nothing:
  """Images of which only the sizes are known.

  Attributes:
    image_shape: height, width and channels of the images.
    labels: names of the classes, which are numbers.
    pixels: type and range of the images.
    num_bytes: 0.
  """

  num_bytes = 0
  pixels = BYTES

  def __init__(self, published: PublishedSet, image_size: int | None):
    """Sets the attributes."""
    height, width, channels = published.image_shape
    self.image_shape = (image_size or height, image_size or width, channels)
    self.labels = tuple(map(str, range(published.num_classes)))

  def load(self, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Raises ValueError."""
    raise ValueError(f"the {split} images are not here: only their number is known")


def planned_task(name: str, **options: Any) -> PlannedClassification | None:
  """Returns a task to plan with, None if there is no such well-known set.

  Args:
    name: of the task.
    **options: of the task. Those that are None are left out.

  Raises:
    ValueError: if an option is out of range.
  """
  if name not in PUBLISHED_SETS:
    return None
  return PlannedClassification(name, **{key: value for key, value in options.items() if value is not None})
