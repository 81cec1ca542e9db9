"""Converts labeled images of a user to a task: arrays, a dataset, files, or the name of an image task."""

import functools
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from nao_tf.tasks import make_task, task_class
from nao_tf.tasks.array_source import ArraySource
from nao_tf.tasks.class_weights import weight_settings
from nao_tf.tasks.given_task import TaskInput, names_task
from nao_tf.tasks.image_classification import ImageClassification
from nao_tf.tasks.image_datasets import read_dataset
from nao_tf.tasks.image_files import is_image
from nao_tf.tasks.image_sizes import ImageSize, height_and_width
from nao_tf.tasks.own_files import source_of_files, source_of_list
from nao_tf.tasks.own_images import VALIDATION_FRACTION, OwnImages

OWN_IMAGES = "nao_tf.tasks.own_images:OwnImages"
"""The place of the task of images that have no other task."""

_DATASET = "the dataset"


def image_input(
  x: Any,
  y: Any = None,
  *,
  image_size: ImageSize | None = None,
  skip_corrupt: bool = False,
  class_weight: str | Mapping[Any, float] | None = None,
  data_dir: str | None = None,
  download: bool = False,
) -> TaskInput:
  """Checks the images of a user and returns them as input data.

  Args:
    x: one of these:
      images in an array `[N, H, W, C]` or `[N, H, W]`, or in a list; or a list of paths of image files;
      a `tf.data.Dataset` of (image, label) pairs, or of batches of them;
      the path of a directory with one subdirectory of images per class;
      the path of a .csv file of image paths, relative to its directory, and labels;
      the name of a task. For a directory of the same name, pass `./NAME` or a `pathlib.Path`.
    y: labels of the images, if `x` is an array or a list.
    image_size: height and width to resize all images to; None to keep their size.
    skip_corrupt: whether to skip files that are not valid images, with a warning.
    class_weight: weights of the classes in the loss: "balanced", or weights by label; see `nao_tf.tasks.class_weights`.
    data_dir: directory of prepared data sets, for tasks.
    download: whether to download and prepare missing data of a task.

  Raises:
    ValueError: if the data is invalid; the message gives the reason.
    FileNotFoundError: if there is no such file or directory, or the data of a task is missing.
  """
  size = None if image_size is None else height_and_width(image_size)
  if isinstance(x, (str, os.PathLike, tf.data.Dataset)) and y is not None:
    raise ValueError("expected no y, since the labels are in x: a dataset, files or a task; got y")
  if isinstance(x, str) and names_task(x):
    return _task(x, size, class_weight, data_dir=data_dir, download=download)
  if isinstance(x, (str, os.PathLike)):
    return _own(source_of_files(x, image_size=size, skip_corrupt=skip_corrupt), class_weight)
  if y is not None and is_file_list(x):
    return _own(source_of_list(x, y, image_size=size, skip_corrupt=skip_corrupt), class_weight)
  return _own(_source_in_memory(x, y, size), class_weight)


def is_file_list(x: Any) -> bool:
  """Returns whether a value is a list of paths of image files."""
  if not isinstance(x, (list, tuple, np.ndarray)) or not len(x):
    return False
  return all(isinstance(path, (str, os.PathLike)) and is_image(os.fspath(path)) for path in x)


def _source_in_memory(x: Any, y: Any, image_size: tuple[int, int] | None) -> ArraySource:
  """Returns the images of a dataset or of arrays."""
  if isinstance(x, tf.data.Dataset):
    images, labels = read_dataset(x, _DATASET, image_size=image_size)
    return ArraySource(images, labels, place=_DATASET, names=getattr(x, "class_names", None))
  if y is None:
    raise ValueError(
      "expected labels y for the images x, one for each image; got none; split a pair (images, labels) into x and y"
    )
  return ArraySource(x, y, place="x, y", image_size=image_size)


def _own(source: ArraySource, class_weight: str | Mapping[Any, float] | None) -> TaskInput:
  data = {f"data.{key}": value for key, value in source.fingerprint.items()}
  make = functools.partial(_own_task, source, class_weight)
  return TaskInput(make, {"task": OWN_IMAGES, **weight_settings(class_weight, source.labels), **data})


def _own_task(
  source: ArraySource, class_weight: str | Mapping[Any, float] | None, validation_fraction: float | None
) -> ImageClassification:
  """Returns the task of images that are in memory."""
  fraction = VALIDATION_FRACTION if validation_fraction is None else validation_fraction
  return OwnImages("own_images", source, validation_fraction=fraction, class_weight=class_weight)


def _task(
  name: str,
  image_size: tuple[int, int] | None,
  class_weight: str | Mapping[Any, float] | None,
  *,
  data_dir: str | None,
  download: bool,
) -> TaskInput:
  """Returns the images of a task."""
  if not issubclass(task_class(name), ImageClassification):
    raise ValueError(f"expected a task of images, got {name!r}")
  if image_size is not None and image_size[0] != image_size[1]:
    raise ValueError(f"the images of the task {name!r} can only be resized to squares, got image_size {image_size}")
  side = None if image_size is None else image_size[0]
  options = {"data_dir": data_dir, "download": download, "image_size": side, "class_weight": class_weight}
  settings = {"task": name, "image_size": side, **weight_settings(class_weight)}
  return TaskInput(functools.partial(_named_task, name, options), settings)


def _named_task(name: str, options: dict[str, Any], validation_fraction: float | None) -> ImageClassification:
  """Returns the task of a name."""
  task = make_task(name, validation_fraction=validation_fraction, **options)
  if not isinstance(task, ImageClassification):
    raise ValueError(f"expected a task of images, got {name!r}")
  return task
