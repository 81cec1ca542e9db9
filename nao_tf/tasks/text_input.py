"""Converts text of a user to a task: a list of strings, a file, a directory of three texts, or the name of a task."""

import functools
import os
from typing import Any

import numpy as np

from nao_tf.registries import place_of
from nao_tf.tasks import make_task
from nao_tf.tasks.base import Task
from nao_tf.tasks.given_task import TaskInput
from nao_tf.tasks.own_text import OwnText
from nao_tf.tasks.text import SUFFIXES, TextFiles, read_lines, split_lines

OWN_TEXT = place_of(OwnText)
"""The place of the task of texts that have no other task."""

_EXPECTED_NO_Y = "expected no y for texts: a language model predicts the next word, so it needs no labels; got y"


def is_text(x: Any) -> bool:
  """Returns whether a value is text: strings, a text file, or a directory with a training text."""
  if isinstance(x, (str, os.PathLike)):
    path = os.path.expanduser(x)
    return str(path).lower().endswith(SUFFIXES) or any(
      os.path.isfile(os.path.join(path, f"train{s}")) for s in SUFFIXES
    )
  if isinstance(x, np.ndarray):
    return x.dtype.kind in "US" or (x.dtype == object and x.ndim == 1 and x.size > 0 and isinstance(x[0], str))
  return isinstance(x, (list, tuple)) and len(x) > 0 and isinstance(x[0], (str, bytes))


def text_input(x: Any, y: Any = None, *, max_vocabulary: int | None = None, data_dir: str | None = None) -> TaskInput:
  """Checks the text of a user and returns it as input data.

  Args:
    x: a list of strings; the path of a text file, .txt or .txt.gz in UTF-8; or of a directory with the files train,
      valid and test.
    y: must be None.
    max_vocabulary: maximum size of the vocabulary; None for no limit.
    data_dir: directory of prepared data sets, for a directory of texts.

  Raises:
    ValueError: if the text is invalid; the message gives the reason.
    FileNotFoundError: if a file is missing.
  """
  if y is not None:
    raise ValueError(_EXPECTED_NO_Y)
  if isinstance(x, (str, os.PathLike)) and os.path.isdir(os.path.expanduser(x)):
    return named_text("text", None, max_vocabulary=max_vocabulary, data_dir=data_dir, text_dir=os.fspath(x))
  if isinstance(x, (str, os.PathLike)):
    path = os.path.expanduser(os.fspath(x))
    if not os.path.isfile(path):
      raise FileNotFoundError(f"{path}: there is no such text file")
    return _own(read_lines(path), path, max_vocabulary)
  return _own(_lines(x), "x", max_vocabulary)


def named_text(
  name: str,
  y: Any = None,
  *,
  max_vocabulary: int | None = None,
  data_dir: str | None = None,
  download: bool = False,
  text_dir: str | None = None,
) -> TaskInput:
  """Returns the text of a task given by name.

  Args:
    name: name of the task.
    y: must be None.
    max_vocabulary: maximum size of the vocabulary; None for that of the task.
    data_dir: directory of prepared data sets.
    download: whether to prepare missing data.
    text_dir: directory of the texts, for tasks that need one.

  Raises:
    ValueError: if there is no such task, or it needs a directory of texts.
    FileNotFoundError: if a text is missing.
  """
  if y is not None:
    raise ValueError(_EXPECTED_NO_Y)
  options = {"data_dir": data_dir, "download": download, "max_vocabulary": max_vocabulary, "text_dir": text_dir}
  fingerprint = {} if text_dir is None else {"text": TextFiles(text_dir).fingerprint}
  make = functools.partial(_named_task, name, options)
  return TaskInput(make, {"task": name, "max_vocabulary": max_vocabulary, **fingerprint})


def _named_task(name: str, options: dict[str, Any], validation_fraction: float | None) -> Task:
  if validation_fraction is not None:
    raise ValueError(f"the task {name!r} has its own validation text; got validation_fraction")
  return make_task(name, **options)


def _own(lines: list[str], place: str, max_vocabulary: int | None) -> TaskInput:
  fingerprint = OwnText("own_text", lines, place=place).fingerprint
  data = {f"data.{key}": value for key, value in fingerprint.items()}
  make = functools.partial(_own_task, lines, place, max_vocabulary)
  return TaskInput(make, {"task": OWN_TEXT, "max_vocabulary": max_vocabulary, **data})


def _own_task(lines: list[str], place: str, max_vocabulary: int | None, validation_fraction: float | None) -> Task:
  held_out = {} if validation_fraction is None else {"validation_fraction": validation_fraction}
  return OwnText("own_text", lines, place=place, max_vocabulary=max_vocabulary, **held_out)


def _lines(texts: Any) -> list[str]:
  """Returns the lines of a list of texts."""
  try:
    values = [text.decode("utf-8") if isinstance(text, bytes) else text for text in np.asarray(texts, object).ravel()]
  except UnicodeDecodeError as error:
    raise ValueError(f"x: expected texts, got bytes that are not UTF-8 ({error})") from error
  wrong = next((number for number, text in enumerate(values) if not isinstance(text, str)), None)
  if wrong is not None:
    raise ValueError(f"x: expected texts, got {type(values[wrong]).__name__} as number {wrong}")
  return [line for text in values for line in split_lines(text)]
