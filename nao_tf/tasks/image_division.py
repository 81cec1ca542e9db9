"""The division of labeled images into training and validation images."""

import dataclasses

import numpy as np
from absl import logging

from nao_tf.tasks import splits

SEED = 0
"""Of the random choices: a set is always divided alike."""

_NAMED_CLASSES = 5


@dataclasses.dataclass(frozen=True)
class ImageDivision:
  """How the training images of a data set are divided.

  Attributes:
    name: name of the task, for messages.
    labels: names of the classes.
    validation_fraction: fraction of the images to hold out.
    hold_out: which images to hold out: "stratified", "random" or "last".
    subset: which of the rest to train on, if not all: "stratified" or "random".
    train_examples: number of the rest to train on; None for all.
  """

  name: str
  labels: tuple[str, ...]
  validation_fraction: float
  hold_out: str
  subset: str
  train_examples: int | None

  def held_out(self, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the indices of the images that may be trained on and of those held out, in ascending order.

    Args:
      labels: the classes of all images.

    Raises:
      ValueError: if no image is left to train on.
    """
    rest, valid = splits.hold_out(labels, self.validation_fraction, how=self.hold_out, seed=SEED)
    if not len(rest):
      raise ValueError(f"{self.name}: a validation_fraction of {self.validation_fraction} leaves no image to train on")
    return rest, valid

  def part(self, rest: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Returns which images are trained on of those with the indices `rest`: the first ones, or the first of each class.

    Args:
      rest: the images that may be trained on.
      labels: the classes of all images.

    Raises:
      ValueError: if they are too few.
    """
    count = self.num_trained_on(len(rest))
    return rest[splits.in_proportion(labels[rest], count)] if self.subset == "stratified" else rest[:count]

  def shuffled_part(self, rest: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Returns the images that are trained on in random order; see `part`."""
    return self.part(np.random.default_rng(SEED).permutation(rest), labels)

  def num_not_held_out(self, total: int) -> int:
    """Returns how many of all images are left to train on if their classes do not matter."""
    return total - round(total * self.validation_fraction)

  def num_trained_on(self, available: int) -> int:
    """Returns how many of the available images are trained on.

    Raises:
      ValueError: if fewer are available than are asked for.
    """
    if (self.train_examples or 0) > available:
      held_out = f" that validation_fraction={self.validation_fraction} leaves" if self.validation_fraction else ""
      raise ValueError(
        f"{self.name}: train_examples is {self.train_examples}, but there are only {available}{held_out}"
      )
    return self.train_examples or available

  def report(self, labels: np.ndarray, train: np.ndarray, valid: np.ndarray) -> None:
    """Writes into the log how the images were divided, and which classes a part lacks.

    Args:
      labels: the classes of all images.
      train: the images that are trained on.
      valid: the images that are held out.
    """
    logging.info(
      "%s: %d images for training, %d held out for validation (%s)", self.name, len(train), len(valid), self.hold_out
    )
    for part, indices in (("to train on", train), ("held out", valid)):
      missing = np.setdiff1d(labels, labels[indices])
      if len(indices) and len(missing):
        names = ", ".join(self.labels[label] for label in missing[:_NAMED_CLASSES])
        logging.warning("%s: classes without an image %s: %d, such as %s", self.name, part, len(missing), names)
