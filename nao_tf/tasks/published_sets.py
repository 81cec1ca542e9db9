"""Well-known image sets and texts: how large they are, so that a training can be planned without the data."""

import dataclasses
from typing import Any

import numpy as np

from nao_tf.tasks.base import check_split
from nao_tf.tasks.image_classification import ImageClassification
from nao_tf.tasks.language_modeling import PUBLISHED_TOKENS, PUBLISHED_WORDS, LanguageModeling
from nao_tf.tasks.photograph_sources import DEFAULT_SIZE
from nao_tf.tasks.pixels import BYTES

__all__ = [
  "PUBLISHED_SETS",
  "PUBLISHED_TOKENS",
  "PlannedClassification",
  "PlannedLanguageModeling",
  "PublishedSet",
  "make_planned_task",
]


@dataclasses.dataclass(frozen=True)
class PublishedSet:
  """A well-known image set.

  Attributes:
    image_shape: height, width and channels, as networks see them.
    num_classes: how many classes it has.
    num_train: the number of images to train on.
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
    """Initializes the task.

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
    """Returns the number of images of a split; see `nao_tf.training.base.Problem.num_examples`."""
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
    raise ValueError(f"the {split} images are not available: only their number is known")


class PlannedLanguageModeling(LanguageModeling):
  """Language modeling on a well-known text that is not here: its sizes are known, and no token can be read."""

  def __init__(
    self, name: str, *, max_vocabulary: int | None = None, train_examples: int | None = None, **options: Any
  ):
    """Initializes the task.

    Args:
      name: key of `PUBLISHED_TOKENS`.
      max_vocabulary: see `LanguageModeling`.
      train_examples: see `LanguageModeling`.
      **options: not used.
    """
    del options
    super().__init__(name, _NoText(), max_vocabulary=max_vocabulary, train_examples=train_examples)

  @property
  def num_outputs(self) -> int:
    """How many words the vocabulary has."""
    published = PUBLISHED_WORDS[self.name]
    return published if self._max_vocabulary is None else min(published, self._max_vocabulary)

  def num_examples(self, split: str) -> int:
    """Returns the number of tokens of a split; see `nao_tf.training.base.Problem.num_examples`."""
    check_split(split)
    published = PUBLISHED_TOKENS[self.name][split]
    return self._subset(published) if split == "train" else published


class _NoText:
  """A text of which only the sizes are known."""

  def lines(self, split: str) -> list[str]:
    """Raises ValueError."""
    raise ValueError(f"the {split} text is not available: only its size is known")


def make_planned_task(name: str, **options: Any) -> PlannedClassification | PlannedLanguageModeling:
  """Returns a task to plan with.

  Args:
    name: name of the task, a key of `PUBLISHED_SETS` or `PUBLISHED_TOKENS`.
    **options: options of the task. Those that are None are left out.

  Raises:
    ValueError: if an option is out of range.
  """
  given = {key: value for key, value in options.items() if value is not None}
  if name in PUBLISHED_TOKENS:
    return PlannedLanguageModeling(name, **given)
  return PlannedClassification(name, **given)
