"""Tasks by name. To add one, add a file in this folder and a row below.

Your own task is named by its import path, `package.module:Name`.
"""

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from nao_tf.registries import resolve
from nao_tf.tasks.traits import DIGITS, IMAGENET, IMAGES, TEXT, TaskTraits

if TYPE_CHECKING:
  from nao_tf.tasks.base import Task

TASKS = {
  "digits": "nao_tf.tasks.image_classification:DigitsClassification",
  "cifar10": "nao_tf.tasks.image_classification:TfdsClassification",
  "cifar100": "nao_tf.tasks.image_classification:TfdsClassification",
  "fashion_mnist": "nao_tf.tasks.image_classification:TfdsClassification",
  "imagenet2012": "nao_tf.tasks.imagenet:ImagenetClassification",
  "folder": "nao_tf.tasks.own_files:FolderClassification",
  "ptb": "nao_tf.tasks.language_modeling:LocalLanguageModeling",
  "wikitext2": "nao_tf.tasks.language_modeling:LocalLanguageModeling",
  "text": "nao_tf.tasks.language_modeling:LocalLanguageModeling",
  "python_reference": "nao_tf.tasks.language_modeling:PythonReferenceModeling",
}
OTHER_DATA_SETS = "nao_tf.tasks.image_classification:TfdsClassification"
"""Import path of the task for any other name, which is looked up in TensorFlow Datasets."""

TRAITS = {
  "nao_tf.tasks.imagenet:ImagenetClassification": IMAGENET,
  "nao_tf.tasks.image_classification:DigitsClassification": DIGITS,
  "nao_tf.tasks.image_classification:TfdsClassification": IMAGES,
  "nao_tf.tasks.own_files:FolderClassification": IMAGES,
  "nao_tf.tasks.language_modeling:LocalLanguageModeling": TEXT,
  "nao_tf.tasks.language_modeling:PythonReferenceModeling": TEXT,
}
"""Traits of tasks by import path, known without reading data. Other tasks are asked for theirs."""

__all__ = ["OTHER_DATA_SETS", "TASKS", "TRAITS", "TaskTraits", "make_task", "task_class", "task_classes", "task_traits"]


def make_task(name: str, *, data_dir: str | None = None, download: bool = False, **options: Any) -> "Task":
  """Returns a task. Its module is imported only now.

  Args:
    name: a registered name; the import path of your own task class, `package.module:Name`; or the name of an image
      classification data set in TensorFlow Datasets.
    data_dir: directory of prepared data sets; None for the default of TensorFlow Datasets.
    download: whether to download and prepare missing data, if possible.
    **options: options of the task. Options that are None are ignored.

  Raises:
    ValueError: if there is no such task or data set, or an option is unknown or out of range.
    FileNotFoundError: if the data is missing.
  """
  cls: Callable[..., Task] = task_class(name)
  given = {key: value for key, value in options.items() if value is not None}
  known = _options(task_class(name))
  unknown = sorted(set(given) - known)
  if unknown:
    raise ValueError(f"task {name!r} has no option {', '.join(unknown)}; it has {', '.join(sorted(known))}")
  return cls(name, data_dir=data_dir, download=download, **given)


def task_class(name: str) -> "type[Task]":
  """Returns the class of a task, without constructing it; see `make_task`."""
  return resolve(name if name in TASKS or ":" in name else OTHER_DATA_SETS, TASKS, "task")


def task_traits(name: str) -> TaskTraits:
  """Returns the traits of a task without reading its data. For registered tasks, TensorFlow is not imported."""
  place = TASKS.get(name, name if ":" in name else OTHER_DATA_SETS)
  return TRAITS[place] if place in TRAITS else TaskTraits.of(task_class(name))


def task_classes() -> "list[type[Task]]":
  """Returns the distinct classes of all registered tasks."""
  return [resolve(place, TASKS, "task") for place in dict.fromkeys(TASKS.values())]


def _options(cls: "type[Task]") -> set[str]:
  """Returns the keyword arguments of a class, including those that it passes on to base classes."""
  names: set[str] = set()
  for base in (base for base in cls.__mro__ if "__init__" in vars(base)):
    parameters = inspect.signature(vars(base)["__init__"]).parameters.values()
    names |= {parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY}
    if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
      break
  return names - {"data_dir", "download"}
