"""Tasks by name. A new one is a file here and a row below."""

import importlib
import inspect
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
  from nao_tf.tasks.base import Task


class Entry(NamedTuple):
  """Where a task is.

  Attributes:
    module: its module.
    kind: name of its class there.
    factory: name of the function there that makes it.
  """

  module: str
  kind: str
  factory: str


_IMAGES = ("nao_tf.tasks.image_classification", "ImageClassification")
_TEXT = ("nao_tf.tasks.language_modeling", "LanguageModeling")

TASKS = {
  "digits": Entry(*_IMAGES, "digits"),
  "cifar10": Entry(*_IMAGES, "tfds_images"),
  "cifar100": Entry(*_IMAGES, "tfds_images"),
  "fashion_mnist": Entry(*_IMAGES, "tfds_images"),
  "ptb": Entry(*_TEXT, "local_text"),
  "wikitext2": Entry(*_TEXT, "local_text"),
  "text": Entry(*_TEXT, "local_text"),
  "python_reference": Entry(*_TEXT, "python_reference"),
}
OTHER = Entry(*_IMAGES, "tfds_images")

__all__ = ["OTHER", "TASKS", "make_task", "task_class", "task_classes"]


def make_task(name: str, *, data_dir: str | None = None, download: bool = False, **options) -> "Task":
  """Returns a task, importing its module only now.

  Args:
    name: key in the registry, or an image classification set of TensorFlow Datasets.
    data_dir: where prepared data sets are.
    download: whether to download and prepare data that is not there, if it can be.
    **options: the task's own; those that are None are left out.

  Raises:
    ValueError: if there is neither a task nor a data set of that name, or an option is unknown or out of range.
    FileNotFoundError: if the data is not there.
  """
  entry = TASKS.get(name, OTHER)
  given = {key: value for key, value in options.items() if value is not None}
  known = _options(entry)
  unknown = sorted(set(given) - known)
  if unknown:
    raise ValueError(f"task {name!r} has no option {', '.join(unknown)}; it has {', '.join(sorted(known))}")
  return _load(entry.module, entry.factory)(name, data_dir=data_dir, download=download, **given)


def task_class(name: str) -> "type[Task]":
  """Returns the class of the task of that name, without making the task."""
  entry = TASKS.get(name, OTHER)
  return _load(entry.module, entry.kind)


def task_classes() -> "list[type[Task]]":
  """Returns the classes of all registered tasks, each once."""
  return [_load(*place) for place in dict.fromkeys((entry.module, entry.kind) for entry in TASKS.values())]


def _options(entry: Entry) -> set[str]:
  """Returns the names of a task's own options: those of its factory and those of its class."""
  functions = _load(entry.module, entry.factory), _load(entry.module, entry.kind).__init__
  parameters = [p for function in functions for p in inspect.signature(function).parameters.values()]
  return {p.name for p in parameters if p.kind is p.KEYWORD_ONLY} - {"data_dir", "download"}


def _load(module: str, attribute: str) -> Any:
  return getattr(importlib.import_module(module), attribute)
