"""Reading of labeled images: into memory if there is room, else as a stream; all that is read is checked."""

import functools
from collections.abc import Iterator

import numpy as np
from absl import logging

from nao_tf.tasks import image_checks
from nao_tf.tasks.image_sources import ImageSource, ScaledImageSource, SelectableImageSource, StreamedImageSource
from nao_tf.tasks.photograph_sources import PhotographSource
from nao_tf.tasks.pixels import Pixels, measured_pixels, pixels_of_type
from nao_tf.training.fixed_parallelism import with_fixed_parallelism

IN_MEMORY_BYTES = 2**31
"""Larger sets are read as they are needed."""

_MEASURED_BATCH = 256


class ImageReader:
  """Reads the images of a task and checks them; nothing is read before it is needed.

  Attributes:
    name: name of the task, for messages.
    labels: names of the classes.
    source: where the images come from.
  """

  def __init__(self, name: str, source: ImageSource):
    """Sets the attributes; reads no image yet.

    Args:
      name: name of the task, for messages.
      source: where the images come from.
    """
    self.name, self.source, self.labels = name, source, tuple(source.labels)

  @functools.cached_property
  def pixels(self) -> Pixels:
    """Type and range of the raw images, which are scaled to 0..255. Some types tell only with the training images."""
    if isinstance(self.source, ScaledImageSource):
      return self.source.pixels
    known = pixels_of_type(self._dtype())
    if known is None:
      streamed = self.streamed_source
      known = measured_pixels([self.training_images[0]] if streamed is None else self._checked_batches(streamed))
    logging.info("%s: its images are %s", self.name, known)
    return known

  @property
  def streamed_source(self) -> StreamedImageSource | None:
    """The source, if its images are too many for memory; None if they are to be loaded.

    Raises:
      ValueError: if they are too many, and the source cannot be streamed.
    """
    if self.source.num_bytes <= IN_MEMORY_BYTES:
      return None
    if not isinstance(self.source, StreamedImageSource):
      raise ValueError(
        f"{self.name}: its {self.source.num_bytes} bytes do not fit into memory, and it cannot be streamed"
      )
    return self.source

  @functools.cached_property
  def training_images(self) -> tuple[np.ndarray, np.ndarray]:
    """All training images and their classes, in memory.

    Raises:
      ValueError: if there are none.
    """
    images, labels = self.loaded("train")
    if not len(labels):
      raise ValueError(f"{self.name}: has no images to train on")
    return images, labels

  @property
  def training_labels(self) -> np.ndarray:
    """The classes of all images that may be trained on, those held out included.

    Raises:
      ValueError: if they come in a stream that has them with the images alone.
    """
    if isinstance(self.source, PhotographSource):
      return self.classes(self.source, "train")
    streamed = self.streamed_source
    if streamed is None:
      return self.training_images[1]
    if isinstance(streamed, SelectableImageSource):
      return self.classes(streamed, "train")
    raise ValueError(f"{self.name}: its classes are not known before they are read, so class_weight cannot be balanced")

  def loaded(self, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns the images of "train" or "test" and their classes, after checking them.

    Raises:
      ValueError: if they cannot be learned from; see `nao_tf.tasks.image_checks`.
    """
    place, (images, labels) = f"{self.name}, {split}", self.source.load(split)
    images = image_checks.checked_images(images, self.source.image_shape, place)
    labels = self._checked_labels(labels, split)
    image_checks.check_counts(images, labels, place)
    return images, labels

  def classes(self, source: SelectableImageSource | PhotographSource, split: str) -> np.ndarray:
    """Returns the classes of "train" or "test" without reading an image, after checking them.

    Args:
      source: the source of this reader, as one that can do this.
      split: "train" or "test".

    Raises:
      ValueError: if one of them is not a class.
    """
    return self._checked_labels(source.classes(split), split)

  def check_type(self, images: np.ndarray, split: str) -> None:
    """Checks that images are of the type that `pixels` has.

    Raises:
      ValueError: if they are not.
    """
    if images.dtype.name != self.pixels.dtype:
      raise ValueError(
        f"{self.name}: expected images that are {self.pixels}, but its {split} images are {images.dtype}"
      )

  def _checked_labels(self, labels: np.ndarray, split: str) -> np.ndarray:
    return image_checks.checked_labels(labels, len(self.labels), f"{self.name}, {split}")

  def _dtype(self) -> str:
    """Returns the name of the type of the images. Of a stream it is known without reading one."""
    if not isinstance(self.source, StreamedImageSource):
      return self.training_images[0].dtype.name
    image, _ = self.source.stream("train").element_spec
    return image.dtype.name

  def _checked_batches(self, source: StreamedImageSource) -> Iterator[np.ndarray]:
    """Yields all training images of a stream, after checking them."""
    first = 0
    for images, _ in with_fixed_parallelism(source.stream("train").batch(_MEASURED_BATCH)).as_numpy_iterator():
      image_checks.check_finite(images, f"{self.name}, train", first=first)
      first += len(images)
      yield images
