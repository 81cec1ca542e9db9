"""Classification of your own images: arrays, a directory with one subdirectory per class, or a list in a CSV file.

All images are for training; a part of them is held out for evaluating networks. There are no test images.
"""

from typing import Any, Protocol

from nao_tf.tasks.image_classification import ImageClassification
from nao_tf.tasks.image_sources import ImageSource

VALIDATION_FRACTION = 0.2
_LARGEST_PADDING = 4


class FingerprintedSource(ImageSource, Protocol):
  """Labeled images with a fingerprint."""

  @property
  def fingerprint(self) -> dict[str, Any]:
    """A fingerprint of the images, as JSON values by name."""


class OwnImages(ImageClassification):
  """Classification of your own images.

  Images are not flipped by default, since flipped digits or letters would be invalid. For random cropping they are
  padded by an eighth of their size, at most 4 pixels.

  Attributes:
    fingerprint: fingerprint of the images, as JSON values by name.
  """

  def __init__(
    self,
    name: str,
    source: FingerprintedSource,
    *,
    validation_fraction: float = VALIDATION_FRACTION,
    crop_padding: int | None = None,
    flip: bool = False,
    **options: Any,
  ):
    """Initializes the task.

    Args:
      name: name of the task, for messages and exports.
      source: where the images come from.
      validation_fraction: see `ImageClassification`.
      crop_padding: see `ImageClassification`; None: as the class says.
      flip: see `ImageClassification`.
      **options: further options of `ImageClassification`.
    """
    padding = min(_LARGEST_PADDING, min(source.image_shape[:2]) // 8) if crop_padding is None else crop_padding
    super().__init__(name, source, validation_fraction=validation_fraction, crop_padding=padding, flip=flip, **options)
    self.fingerprint = source.fingerprint
