"""A task that a user has given by its data or its name, and what tells the data from other data."""

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
  """Data to learn from.

  Attributes:
    make_task: returns the task with this fraction of the data held out; None for the share that the task holds out.
    settings: what tells the data from other data, as JSON values by name: `task`, options of the task, and under names
      that begin with `data.` a fingerprint.
    is_ready: whether the task was made already, so that its validation set is what it has.
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
