"""Whatever a person has for labeled images becomes a task: arrays, a dataset, files, or the name of a task."""

import dataclasses
import os
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from nao_tf.tasks import TASKS, make_task, task_class
from nao_tf.tasks.array_source import ArraySource
from nao_tf.tasks.image_classification import ImageClassification
from nao_tf.tasks.image_datasets import read_dataset
from nao_tf.tasks.image_sizes import ImageSize, height_and_width
from nao_tf.tasks.own_files import LIST_ENDING, source_of_files
from nao_tf.tasks.own_images import VALIDATION_FRACTION, OwnImages

OWN_IMAGES = "nao_tf.tasks.own_images:OwnImages"
"""The place of the task of images that have no other task."""

_DATASET = "the dataset"


@dataclasses.dataclass(frozen=True)
class ImageInput:
  """Labeled images to learn from.

  Attributes:
    make_task: returns the task with this share of the images held out; None for the share that the task holds out.
    settings: what tells the images from others, as JSON values by name.
  """

  make_task: Callable[[float | None], ImageClassification]
  settings: dict[str, Any]


def image_input(
  x: Any,
  y: Any = None,
  *,
  image_size: ImageSize | None = None,
  skip_corrupt: bool = False,
  data_dir: str | None = None,
  download: bool = False,
) -> ImageInput:
  """Returns what a person has given as images, after checking it.

  Args:
    x: one of these:
      images in an array `[N, H, W, C]` or `[N, H, W]`, or in a list;
      a `tf.data.Dataset` of (image, label), or of batches of them;
      the path of a directory with a folder of images for each class;
      the path of a CSV file, which ends in ".csv": file names, as seen from its directory, and labels;
      the name of a task. A directory of the same name is `./NAME`, or a `pathlib.Path`.
    y: labels of the images, if `x` is an array or a list.
    image_size: height and width to resize all images to; None to keep their size.
    skip_corrupt: whether to leave out files that are no images, with a warning.
    data_dir: directory of prepared data sets, for tasks.
    download: whether to download and prepare the data of a task if it is missing.

  Raises:
    ValueError: if that is nothing to learn from; the message says why.
    FileNotFoundError: if there is no such file or directory, or the data of a task is missing.
  """
  size = None if image_size is None else height_and_width(image_size)
  if isinstance(x, (str, os.PathLike, tf.data.Dataset)) and y is not None:
    raise ValueError("expected no y, since the labels are in x: a dataset, files or a task; got y")
  if isinstance(x, str) and _names_task(x):
    return _task(x, size, data_dir=data_dir, download=download)
  if isinstance(x, (str, os.PathLike)):
    return _own(source_of_files(x, image_size=size, skip_corrupt=skip_corrupt))
  return _own(_source_in_memory(x, y, size))


def _source_in_memory(x: Any, y: Any, image_size: tuple[int, int] | None) -> ArraySource:
  """Returns the images of a dataset or of arrays."""
  if isinstance(x, tf.data.Dataset):
    images, labels = read_dataset(x, _DATASET, image_size=image_size)
    return ArraySource(images, labels, place=_DATASET, names=getattr(x, "class_names", None))
  if y is None:
    raise ValueError("expected labels y for the images x, one for each image; got none")
  return ArraySource(x, y, place="x, y", image_size=image_size)


def _names_task(text: str) -> bool:
  """Returns whether a text is the name of a task rather than a path."""
  if text in TASKS or ":" in text:
    return True
  return not (
    text.startswith((".", "~")) or os.sep in text or text.lower().endswith(LIST_ENDING) or os.path.isdir(text)
  )


def _own(source: ArraySource) -> ImageInput:
  def make(validation_fraction: float | None) -> ImageClassification:
    fraction = VALIDATION_FRACTION if validation_fraction is None else validation_fraction
    return OwnImages("own_images", source, validation_fraction=fraction)

  return ImageInput(make, {"task": OWN_IMAGES, **{f"data.{key}": value for key, value in source.fingerprint.items()}})


def _task(name: str, image_size: tuple[int, int] | None, *, data_dir: str | None, download: bool) -> ImageInput:
  """Returns the images of a task."""
  if not issubclass(task_class(name), ImageClassification):
    raise ValueError(f"expected a task of images, got {name!r}")
  if image_size is not None and image_size[0] != image_size[1]:
    raise ValueError(f"the images of the task {name!r} can only be resized to squares, got image_size {image_size}")
  side = None if image_size is None else image_size[0]

  def make(validation_fraction: float | None) -> ImageClassification:
    task = make_task(
      name, data_dir=data_dir, download=download, image_size=side, validation_fraction=validation_fraction
    )
    if not isinstance(task, ImageClassification):
      raise ValueError(f"expected a task of images, got {name!r}")
    return task

  return ImageInput(make, {"task": name, "image_size": side})
