"""Tasks by name. A new one is a file here and a row below."""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
  from nao_tf.tasks.base import Task

TASKS = {
  "digits": "nao_tf.tasks.image_classification:digits",
  "cifar10": "nao_tf.tasks.image_classification:tfds_images",
  "cifar100": "nao_tf.tasks.image_classification:tfds_images",
  "fashion_mnist": "nao_tf.tasks.image_classification:tfds_images",
}
OTHER = "nao_tf.tasks.image_classification:tfds_images"

__all__ = ["OTHER", "TASKS", "make_task"]


def make_task(name: str, *, data_dir: str | None = None, download: bool = False, **options) -> "Task":
  """Returns a task, importing its module only now.

  Args:
    name: key in the registry, or an image classification set of TensorFlow Datasets.
    data_dir: where prepared data sets are.
    download: whether to download and prepare data that is not there.
    **options: the task's own; those that are None are left out.

  Raises:
    ValueError: if there is neither a task nor a data set of that name, or an option is out of range.
    FileNotFoundError: if the data is not there.
  """
  module, _, factory = TASKS.get(name, OTHER).partition(":")
  given = {key: value for key, value in options.items() if value is not None}
  return getattr(importlib.import_module(module), factory)(name, data_dir=data_dir, download=download, **given)
