"""The input data of a search: a task given by its data or its name, and the settings that identify the data."""

import dataclasses
import os
from collections.abc import Callable
from typing import Any

from nao_tf.tasks import TASKS
from nao_tf.tasks.base import Task
from nao_tf.tasks.image_lists import LIST_ENDING
from nao_tf.tasks.text import SUFFIXES


@dataclasses.dataclass(frozen=True)
class TaskInput:
  """Input data for a search.

  Attributes:
    make_task: function that returns the task with a given fraction of the data held out; None for the default of the
      task.
    settings: settings that identify the data, as JSON values by name: `task`, options of the task, and fingerprints
      with the prefix `data.`.
    is_ready: whether the task was constructed by the caller, so that its validation set is fixed.
  """

  make_task: Callable[[float | None], Task]
  settings: dict[str, Any]
  is_ready: bool = False


def names_task(text: str) -> bool:
  """Returns whether a text is the name of a task rather than a path."""
  if text in TASKS or ":" in text:
    return True
  is_file = text.lower().endswith((LIST_ENDING, *SUFFIXES))
  return not (is_file or text.startswith((".", "~")) or os.sep in text or os.path.isdir(text))
