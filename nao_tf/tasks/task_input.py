"""Converts any input of a user to a task: labeled images, text, the name of a task, or a task itself."""

import functools
import numbers
from collections.abc import Mapping, Set
from typing import Any

from nao_tf.fields import shown
from nao_tf.registries import place_of
from nao_tf.tasks import TASKS, task_class
from nao_tf.tasks.base import Task
from nao_tf.tasks.given_task import TaskInput, names_task
from nao_tf.tasks.image_classification import ImageClassification
from nao_tf.tasks.image_input import image_input, is_file_list
from nao_tf.tasks.language_modeling import LanguageModeling
from nao_tf.tasks.text_input import is_text, named_text, text_input

_IMAGE_OPTIONS = ("image_size", "skip_corrupt", "class_weight")
_TEXT_OPTIONS = ("max_vocabulary",)
_TASK_OPTIONS = ("data_dir", "download")


def task_input(x: Any, y: Any = None, **options: Any) -> TaskInput:
  """Checks the input data of a user and returns it.

  Args:
    x: one of these:
      images, in one of the forms of `nao_tf.tasks.image_input.image_input`;
      text: a list of strings, or the path of a text file or of a directory with train, valid and test texts;
      the name of a task; or a task.
    y: labels of the images, if `x` does not contain them.
    **options: options of `image_input` or `text_input`, according to the type of `x`. Options that are None are
      ignored.

  Raises:
    ValueError: if the data is invalid, or an option is for another type of data; the message gives the reason.
    FileNotFoundError: if there is no such file or directory, or the data of a task is missing.
  """
  if x is None:
    raise ValueError("expected data as x: images, texts, a path or the name of a task; got None")
  if isinstance(x, (str, list, tuple)) and not x:
    raise ValueError(f"expected data as x: images, texts, a path or the name of a task; got {x!r}")
  if isinstance(x, (Mapping, Set, numbers.Number)):
    raise ValueError(f"expected images, texts, a path or the name of a task as x, got {shown(x)}")
  if isinstance(x, str) and len(x.split()) > 1 and names_task(x):
    raise FileNotFoundError(f"there is no file, directory or task {shown(x)}; pass texts as a list of strings, [text]")
  given = {name: value for name, value in options.items() if value is not None}
  unknown = sorted(set(given) - {*_IMAGE_OPTIONS, *_TEXT_OPTIONS, *_TASK_OPTIONS})
  if unknown:
    known = ", ".join((*_IMAGE_OPTIONS, *_TEXT_OPTIONS, *_TASK_OPTIONS))
    raise ValueError(f"unknown option {unknown[0]!r} of the data; expected one of {known}")
  if isinstance(x, Task):
    _refuse(given, (*_IMAGE_OPTIONS, *_TEXT_OPTIONS), "an existing task")
    return _ready(x, y)
  if isinstance(x, str) and names_task(x):
    return _named(x, y, given)
  if is_text(x) and not is_file_list(x):
    _refuse(given, _IMAGE_OPTIONS, "a text")
    return text_input(x, y, **_without(given, "download"))
  _refuse(given, _TEXT_OPTIONS, "images")
  return image_input(x, y, **given)


def task_name(task: Task) -> str:
  """Returns the registered name of a task, or the import path of its class, for the settings of a run."""
  named = task.name in TASKS and task_class(task.name) is type(task)
  return task.name if named else place_of(type(task))


def _named(name: str, y: Any, given: dict[str, Any]) -> TaskInput:
  """Returns the task of a name."""
  cls = task_class(name)
  if issubclass(cls, ImageClassification):
    _refuse(given, _TEXT_OPTIONS, "images")
    return image_input(name, y, **given)
  if issubclass(cls, LanguageModeling):
    _refuse(given, _IMAGE_OPTIONS, "a text")
    return named_text(name, y, **given)
  raise ValueError(f"expected a task of images or of text, got {name!r}; pass the task itself, nao_tf.make_task(...)")


def _ready(task: Task, y: Any) -> TaskInput:
  """Returns a task that is made already. Its validation set is what it has."""
  if y is not None:
    raise ValueError("expected no y, since a task has its labels; got y")

  fingerprint = getattr(task, "fingerprint", {})
  data = {f"data.{key}": value for key, value in fingerprint.items()}
  return TaskInput(functools.partial(_made, task), {"task": task_name(task), **data}, is_ready=True)


def _made(task: Task, validation_fraction: float | None) -> Task:
  """Returns the task itself."""
  if validation_fraction:
    raise ValueError(f"{task.name}: already has a validation set; got validation_fraction {validation_fraction}")
  return task


def _refuse(given: dict[str, Any], names: tuple[str, ...], what: str) -> None:
  """Raises a ValueError if an option is given that is not for this kind of data."""
  foreign = [name for name in names if given.get(name, False) is not False]
  if foreign:
    raise ValueError(f"{', '.join(foreign)}: not for {what}")


def _without(given: dict[str, Any], *names: str) -> dict[str, Any]:
  return {name: value for name, value in given.items() if name not in names}
