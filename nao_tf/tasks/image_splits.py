"""Splits of labeled images into training, validation and test set; in memory, streamed, or of photographs."""

import numpy as np
from absl import logging

from nao_tf.tasks import splits
from nao_tf.tasks.image_division import ImageDivision
from nao_tf.tasks.image_reading import ImageReader
from nao_tf.tasks.image_sources import EncodedImageSource, SelectableImageSource, StreamedImageSource
from nao_tf.tasks.photograph_sources import PhotographSource
from nao_tf.tasks.photograph_split import PhotographSplit


def training_splits(
  reader: ImageReader, division: ImageDivision, *, hold_out_is_given: bool = False
) -> dict[str, splits.Split]:
  """Returns the splits "train" and "valid".

  Args:
    reader: reader of the images.
    division: how they are divided.
    hold_out_is_given: whether the user has said which images are held out. If not, the last ones are held out of a
      stream whose classes are not known before it is read.

  Raises:
    ValueError: if the images cannot be learned from, or cannot be divided so.
  """
  if isinstance(reader.source, PhotographSource):
    return _of_photographs(reader, division, reader.source)
  streamed = reader.streamed_source
  if streamed is None:
    return _in_memory(reader, division)
  if not isinstance(streamed, SelectableImageSource):
    _check_last_are_held_out(division, hold_out_is_given)
    return _of_stream(division, streamed)
  labels = reader.classes(streamed, "train")
  return _of_stream(division, streamed) if division.hold_out == "last" else _selected(division, streamed, labels)


def test_split(reader: ImageReader) -> splits.Split:
  """Returns the split "test", which may be empty.

  Args:
    reader: reader of the images.

  Raises:
    ValueError: if its images are not as those that are trained on.
  """
  if isinstance(reader.source, PhotographSource):
    return PhotographSplit(reader.source, "test")
  streamed = reader.streamed_source
  if streamed is not None:
    return _stream(streamed, "test", 0, streamed.num_examples("test"))
  images, labels = reader.loaded("test")
  if len(images):
    reader.check_type(images, "test")
  return splits.MemorySplit(images, labels, np.arange(len(labels), dtype=np.int32))


def _in_memory(reader: ImageReader, division: ImageDivision) -> dict[str, splits.Split]:
  images, labels = reader.training_images
  reader.check_type(images, "train")
  rest, valid = division.held_out(labels)
  train = division.shuffled_part(rest, labels)
  division.report(labels, train, valid)
  return {"train": splits.MemorySplit(images, labels, train), "valid": splits.MemorySplit(images, labels, valid)}


def _of_photographs(reader: ImageReader, division: ImageDivision, source: PhotographSource) -> dict[str, splits.Split]:
  """Returns the splits of photographs. To hold out the last ones, no classes need be read."""
  if division.hold_out == "last":
    total = source.num_examples("train")
    rest, valid = np.split(np.arange(total), [division.num_not_held_out(total)])
    train = rest[: division.num_trained_on(len(rest))]
  else:
    labels = reader.classes(source, "train")
    rest, valid = division.held_out(labels)
    train = division.shuffled_part(rest, labels)
    division.report(labels, train, valid)
  return {"train": PhotographSplit(source, "train", train), "valid": PhotographSplit(source, "train", valid)}


def _of_stream(division: ImageDivision, source: StreamedImageSource) -> dict[str, splits.Split]:
  """Returns the splits of a stream of which the last images are held out."""
  total = source.num_examples("train")
  rest = division.num_not_held_out(total)
  train = division.num_trained_on(rest)
  return {
    "train": _stream(source, "train", 0, train),
    "valid": _stream(source, "train", rest, total),
  }


def _selected(division: ImageDivision, source: SelectableImageSource, labels: np.ndarray) -> dict[str, splits.Split]:
  """Returns the splits of a stream that can be chosen from."""
  rest, valid = division.held_out(labels)
  train = division.part(rest, labels)
  division.report(labels, train, valid)
  _warn_of_order(division.name, labels)
  return {
    "train": _selection(source, train),
    "valid": _selection(source, valid),
  }


def _stream(source: StreamedImageSource, split: str, first: int, last: int) -> splits.StreamedSplit:
  """Returns the images from number `first` up to `last`."""
  if isinstance(source, EncodedImageSource):
    return splits.StreamedSplit(source.encoded_stream(split, first, last), last - first, source.decoded)
  return splits.StreamedSplit(source.stream(split, first, last), last - first)


def _selection(source: SelectableImageSource, chosen: np.ndarray) -> splits.StreamedSplit:
  """Returns the training images with some numbers."""
  if isinstance(source, EncodedImageSource):
    return splits.StreamedSplit(source.encoded_select("train", chosen), len(chosen), source.decoded)
  return splits.StreamedSplit(source.select("train", chosen), len(chosen))


def _check_last_are_held_out(division: ImageDivision, hold_out_is_given: bool) -> None:
  """Checks that nobody asked for others than the last images of a stream whose classes are not known."""
  if hold_out_is_given and division.hold_out != "last":
    raise ValueError(f"{division.name}: does not fit into memory, so only the last images can be held out")
  logging.warning("%s: its classes are unknown until they are read, so the last images are held out", division.name)


def _warn_of_order(name: str, labels: np.ndarray) -> None:
  if len(labels) > splits.SHUFFLE_BUFFER and (np.diff(labels) >= 0).all():
    logging.warning(
      "%s: is sorted by class and does not fit into memory, so each shuffle buffer of %d images has only few classes",
      name,
      splits.SHUFFLE_BUFFER,
    )
