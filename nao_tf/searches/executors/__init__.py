"""Executors by name: where the trials of a search are evaluated, and how many in parallel.

To add one, add a file in this folder and a row below. Your own executor is named by its import path,
`package.module:Name`.
"""

from typing import Any, Protocol

from nao_tf.registries import resolve
from nao_tf.searches.executors.base import Executor, ExecutorSettings, MakeEvaluator, Run, WorkerStatus

EXECUTORS = {
  "inline": "nao_tf.searches.executors.inline:InlineExecutor",
  "processes": "nao_tf.searches.executors.processes:ProcessExecutor",
  "ray": "nao_tf.searches.executors.ray_executor:RayExecutor",
}
"""Import paths by name. At a place is a subclass of `Executor` with a class method `make`; see `ExecutorClass`."""

__all__ = [
  "EXECUTORS",
  "Executor",
  "ExecutorClass",
  "ExecutorSettings",
  "MakeEvaluator",
  "Run",
  "WorkerStatus",
  "executor_class",
  "make_executor",
]


class ExecutorClass(Protocol):
  """A class of executors that can be chosen by name."""

  def make(self, make_evaluator: MakeEvaluator, settings: ExecutorSettings) -> Executor:
    """Constructs an executor; a class method.

    Raises:
      ValueError: if the executor does not support the settings.
    """


def executor_class(name: str) -> ExecutorClass:
  """Returns the class of an executor.

  Args:
    name: a registered name, or the import path of your own executor class, `package.module:Name`.

  Raises:
    ValueError: if there is no such executor, or it has no class method `make`.
  """
  found: Any = resolve(name, EXECUTORS, "executor")
  if not callable(getattr(found, "make", None)):
    raise ValueError(f"executor {name!r}: expected a class with a class method make, got {found!r}")
  return found


def make_executor(
  name: str, make_evaluator: MakeEvaluator, settings: ExecutorSettings = ExecutorSettings()
) -> Executor:
  """Returns a new executor, to be passed to `run_search` instead of an evaluator, and closed afterwards.

  Args:
    name: a registered name, or the import path of your own executor class, `package.module:Name`.
    make_evaluator: function that returns the evaluator. Executors with worker processes call it there, so it must be
      picklable: a top-level function, or a `functools.partial` of one.
    settings: number of workers and their resources.

  Raises:
    ValueError: if there is no such executor, or it does not support the settings.
  """
  return executor_class(name).make(make_evaluator, settings)
