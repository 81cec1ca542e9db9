"""Executors by name: where the trials of a search are evaluated, and how many at a time.

A new one is a file here and a row below; one of your own is `package.module:Name`.
"""

from typing import Any, Protocol

from nao_tf.registries import resolve
from nao_tf.searches.executors.base import Executor, ExecutorSettings, MakeEvaluator, Run, WorkerStatus

EXECUTORS = {
  "inline": "nao_tf.searches.executors.inline:InlineExecutor",
  "processes": "nao_tf.searches.executors.processes:ProcessExecutor",
  "ray": "nao_tf.searches.executors.ray_executor:RayExecutor",
}
"""Places by name. At a place is a subclass of `Executor` with a class method `make`; see `ExecutorClass`."""

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
    """Returns an executor: a class method.

    Raises:
      ValueError: if the executor cannot do what the settings say.
    """


def executor_class(name: str) -> ExecutorClass:
  """Returns the class of an executor.

  Args:
    name: key in the registry, or `package.module:Name`, a class of your own.

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
  """Returns an executor, to be given to `run_search` in place of an evaluator, and to be closed.

  Args:
    name: key in the registry, or `package.module:Name`, a class of your own.
    make_evaluator: returns the evaluator. Executors with processes call it there, so it must be picklable: a function at
      the top level of a module, or a `functools.partial` of one.
    settings: how many workers there are, and what each of them gets.

  Raises:
    ValueError: if there is no such executor, or it cannot do what the settings say.
  """
  return executor_class(name).make(make_evaluator, settings)
