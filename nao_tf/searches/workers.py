"""The workers of `nao_tf.search`: where trials are evaluated, and what is sent there.

A worker is another process. It constructs the task and the evaluator from a copy of the arguments of the search:
images, texts, or the name of a task. Worker processes on this machine read the copy from a file in the directory of the
search; other executors receive it with the function that constructs an evaluator.
"""

import contextlib
import dataclasses
import functools
import io
import multiprocessing
import os
import pickle
import sys
from collections.abc import Iterator
from typing import Any

from nao_tf import fields
from nao_tf.evaluators import EVALUATORS, SCORES, EvaluatorContext
from nao_tf.evaluators.base import Evaluator
from nao_tf.evaluators.worker_process import PROCESS_NAME
from nao_tf.searches.choices import AnyEvaluator, evaluator_of, recorded_name
from nao_tf.searches.executors import Executor, ExecutorSettings, MakeEvaluator, executor_class
from nao_tf.searches.executors.inline import InlineExecutor
from nao_tf.searches.executors.machine import leave_gpu_memory
from nao_tf.searches.executors.processes import ProcessExecutor
from nao_tf.searches.executors.side_by_side import evaluations_in_order

AnyExecutor = str | type[Any] | Executor

SENT_FILE = ".workers.pickle"
"""The file in the directory of a search that its worker processes read; it is there as long as they are."""

DEFAULT_EVALUATOR = "training"
"""The evaluator that is used if none is named, and the strategy is not made for another one."""
SHARED_BATCH = 8
"""How many architectures a strategy is asked for at a time if shared weights score many at once."""
_CHECKED = (DEFAULT_EVALUATOR, "inherited")
"""Evaluators that are made in the process of the search, too, to find what is wrong with the settings."""
_SHARED_WEIGHTS = "shared_weights"


@dataclasses.dataclass(frozen=True)
class Workers:
  """Where trials are evaluated, and how many in parallel. These settings do not influence the course of a search.

  Attributes:
    executor: a name, an import path `package.module:Name`, a subclass of `Executor` with a class method `make`, or an
      executor with evaluators of its own, which is not closed here.
    num_workers: number of parallel evaluations; None for as many as there is room for.
    trial_timeout: time limit of an evaluation, in seconds, after which it fails; None for no limit.
  """

  executor: AnyExecutor = "inline"
  num_workers: int | None = None
  trial_timeout: float | None = None

  def check(self, evaluator: AnyEvaluator, *, in_rungs: bool = False, **objects: Any) -> None:
    """Checks what can be checked before the data are read, and leaves the memory of GPUs to workers.

    Args:
      evaluator: how architectures are evaluated.
      in_rungs: whether children are trained in rungs.
      **objects: what workers get a copy of, beside the evaluator, by name.

    Raises:
      ValueError: if there is no such executor, it cannot do what is asked for, or an object cannot be sent to workers.
      RuntimeError: if this process is a worker itself.
    """
    _check_process()
    if in_rungs and is_shared(evaluator):
      raise ValueError("rungs need candidates that are trained separately, but shared_weights trains them together")
    if isinstance(self.executor, Executor):
      self._check_ready(evaluator)
      return
    cls = self._class()
    cls.check(self._settings())
    if self.trial_timeout is not None and is_shared(evaluator):
      raise ValueError("trial_timeout limits one evaluation, but shared_weights trains one supernet for all")
    if issubclass(cls, InlineExecutor):
      return
    for name, value in {"evaluator": evaluator, **objects}.items():
      _check_sendable(name, value, needs_main=issubclass(cls, ProcessExecutor))
    leave_gpu_memory()

  def recorded_evaluator(self, evaluator: AnyEvaluator) -> str:
    """Returns the evaluator as the settings of a search record it."""
    return recorded_name(self.executor if isinstance(self.executor, Executor) else evaluator)

  @contextlib.contextmanager
  def opened(
    self, evaluator: AnyEvaluator, context: EvaluatorContext, sent: EvaluatorContext
  ) -> Iterator[Evaluator | Executor]:
    """Creates an evaluator, or an executor whose workers make one each.

    Args:
      evaluator: its name, the import path of your own, its class, or an evaluator.
      context: what it is made from in this process.
      sent: what it is made from in another one.

    Yields:
      The evaluator or the executor. Shared weights are trained in this process, and its workers score with them.
    """
    if isinstance(self.executor, Executor):
      yield self.executor
    elif issubclass(self._class(), InlineExecutor):
      yield evaluator_of(evaluator, context)
    elif is_shared(evaluator):
      with self._sent(SCORES, sent) as make, self._class().make(make, self._settings()) as executor:
        elsewhere = functools.partial(evaluations_in_order, executor)
        yield evaluator_of(evaluator, dataclasses.replace(context, score_elsewhere=elsewhere))
    else:
      if evaluator in _CHECKED:
        evaluator_of(evaluator, context)  # What is wrong with the settings is said before a worker is started.
      with self._sent(evaluator, sent) as make, self._class().make(make, self._settings()) as executor:
        yield executor

  @contextlib.contextmanager
  def _sent(self, evaluator: AnyEvaluator, context: EvaluatorContext) -> Iterator[MakeEvaluator]:
    """Yields what makes the evaluator in a worker."""
    if context.directory is None or not issubclass(self._class(), ProcessExecutor):
      yield functools.partial(evaluator_of, evaluator, context)
      return
    path = os.path.join(os.path.abspath(context.directory), SENT_FILE)
    try:
      with open(path, "wb", opener=functools.partial(os.open, mode=0o600)) as file:
        pickle.dump((evaluator, context), file, pickle.HIGHEST_PROTOCOL)
      yield functools.partial(_evaluator_in_file, path)
    finally:
      with contextlib.suppress(FileNotFoundError):
        os.remove(path)

  def _class(self) -> Any:
    found = executor_class(self.executor) if isinstance(self.executor, str) else self.executor
    if isinstance(found, type) and issubclass(found, Executor) and callable(getattr(found, "make", None)):
      return found
    raise ValueError(
      f"expected the name of an executor, a subclass of Executor with a class method make, or an executor, got {found!r}"
    )

  def _settings(self) -> ExecutorSettings:
    num_workers = None if self.num_workers is None else fields.integer(self.num_workers, "num_workers", 1)
    timeout = fields.number_or_none(self.trial_timeout, "trial_timeout")
    return ExecutorSettings(num_workers=num_workers, trial_timeout=timeout)

  def _check_ready(self, evaluator: AnyEvaluator) -> None:
    """Checks what is given beside an executor that is made already."""
    if self.num_workers is not None or self.trial_timeout is not None:
      raise ValueError("num_workers and trial_timeout need an executor by name; this one is already constructed")
    if evaluator != DEFAULT_EVALUATOR:
      raise ValueError(
        f"an executor that is already constructed has its own evaluators; omit evaluator, got {evaluator!r}"
      )


def workers_of(executor: AnyExecutor | None, num_workers: int | None, trial_timeout: float | None) -> Workers:
  """Returns workers.

  Args:
    executor: see `Workers`; None: this process, or one worker process or more if there is a time limit or more than one.
    num_workers: see `Workers`.
    trial_timeout: see `Workers`.
  """
  if executor is not None:
    return Workers(executor, num_workers, trial_timeout)
  count = 1 if num_workers is None else fields.integer(num_workers, "num_workers", 1)
  return Workers() if count == 1 and trial_timeout is None else Workers("processes", count, trial_timeout)


def _evaluator_in_file(path: str) -> Evaluator:
  """Creates an evaluator in a worker process from the file that the search has written for it."""
  with open(path, "rb") as file:
    evaluator, context = pickle.load(file)
  return evaluator_of(evaluator, context)


def _check_process() -> None:
  """Raises RuntimeError if this process is a worker, which has just begun to import the script of the search."""
  if multiprocessing.current_process().name == PROCESS_NAME:
    raise RuntimeError(
      "nao_tf.search was called in a worker process: workers import your script. Put its main code below"
      ' `if __name__ == "__main__":`, so that importing it starts no search'
    )


def is_shared(evaluator: AnyEvaluator) -> bool:
  """Returns whether an evaluator is that of shared weights."""
  return recorded_name(evaluator) in (_SHARED_WEIGHTS, EVALUATORS[_SHARED_WEIGHTS])


def _check_sendable(name: str, value: Any, *, needs_main: bool) -> None:
  """Checks that a worker can get a copy of an object."""
  try:
    content = io.BytesIO(pickle.dumps(value))
    unpickler = _RecordingUnpickler(content)
    unpickler.load()
  except Exception as error:  # An object may raise anything.
    raise ValueError(
      f"{name}: workers need a copy of it, but {type(value).__name__} cannot be pickled ({error}); pass {name} by"
      " name, or executor='inline'"
    ) from error
  if needs_main and "__main__" in unpickler.modules and not _is_script():
    raise ValueError(
      f"{name}: workers cannot import what is defined in a notebook or an interactive session; move it into a module, or"
      " pass executor='inline'"
    )


def _is_script() -> bool:
  """Returns whether the main module is a file, which workers import."""
  main = sys.modules["__main__"]
  return getattr(main, "__spec__", None) is not None or os.path.isfile(getattr(main, "__file__", None) or "")


class _RecordingUnpickler(pickle.Unpickler):
  """Remembers the modules of the classes and the functions that it has met.

  Attributes:
    modules: their names.
  """

  def __init__(self, file: io.BytesIO):
    super().__init__(file)
    self.modules: set[str] = set()

  def find_class(self, module_name: str, global_name: str, /) -> Any:
    self.modules.add(module_name)
    return super().find_class(module_name, global_name)
