"""A process that evaluates: it makes an evaluator once, and then evaluates what it is given.

Between the evaluations come the epochs of its trainings, for those who watch.

A child may do anything to the process: hang, end it, fill its memory. Whoever gave the work sees how it ended.
"""

import contextlib
import faulthandler
import io
import math
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from absl import logging

from nao_tf.evaluators.base import Evaluator, EvaluatorError, watch
from nao_tf.evaluators.outcomes import evaluate_each
from nao_tf.trial import Architecture

STARTED = "started"
"""Message of a process that has imported what it needs."""

READY = "ready"
"""Message of a process that has made its evaluator."""

BEGUN = "begun"
"""Message of a process that begins to work on a job."""

PROCESS_NAME = "evaluator"
"""The name of such a process."""

_LONGEST_END = 30.0
"""Seconds that a process may take to end, writing its memory to a file for example."""

_LONGEST_KILL = 1.0
"""Seconds that processes which were killed may take to be gone."""

_BETWEEN_LOOKS = 0.01
"""Seconds between two looks at processes that were killed."""

_PATIENCE = 1.0
"""Seconds between two looks at a process that says nothing."""

_ENVIRONMENT = threading.Lock()


class _Job(NamedTuple):
  """Work for a process.

  Attributes:
    architectures: to evaluate.
    log: path of the file for what is printed meanwhile; None: it is printed.
  """

  architectures: list[Architecture]
  log: str | None


class _Stopped(NamedTuple):
  """A message of a process that cannot go on.

  Attributes:
    reason: why, in words.
  """

  reason: str


class WorkerProcess:
  """A process that evaluates. Its messages are `STARTED`, `READY`, and for each job `BEGUN`, epochs and the evaluations.

  Attributes:
    connection: to the process, to wait for messages.
  """

  def __init__(self, make: Callable[[], Evaluator], *, environment: Mapping[str, str] | None = None):
    """Starts the process, and does not wait until it is ready.

    Args:
      make: returns the evaluator. It is called in the process, so it can be pickled.
      environment: variables that the process has beside, or instead of, those of this process.
    """
    context = multiprocessing.get_context("spawn")  # A fork of a process that has threads may hang.
    self.connection, theirs = context.Pipe()
    self._process = context.Process(target=_work, args=(make, theirs), daemon=True, name=PROCESS_NAME)
    with _changed_environment(environment or {}):
      self._process.start()
    theirs.close()

  @property
  def pid(self) -> int | None:
    """The id of the process."""
    return self._process.pid

  def send(self, architectures: Sequence[Architecture], log: str | None = None) -> None:
    """Gives work to the process. If it has ended, `receive` says so.

    Args:
      architectures: to evaluate.
      log: path of the file for what is printed meanwhile; None: it is printed.
    """
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
      self.connection.send(_Job(list(architectures), log))

  def receive(self, timeout: float | None) -> Any:
    """Returns the next message.

    Raises:
      TimeoutError: if none comes in time.
      EOFError: if the process has ended.
      EvaluatorError: if the process cannot go on.
    """
    try:
      self._wait_for_message(timeout)
      message = self.connection.recv()
    except TimeoutError:
      raise
    except OSError as error:  # The process has ended, maybe in the middle of a message.
      raise EOFError from error
    if isinstance(message, _Stopped):
      raise EvaluatorError(message.reason)
    return message

  def _wait_for_message(self, timeout: float | None) -> None:
    """Waits until there is a message, or the end of the connection.

    Raises:
      TimeoutError: if there is none in time.
      EOFError: if the process has ended.
    """
    deadline = math.inf if timeout is None else time.monotonic() + timeout
    while not self.connection.poll(max(0.0, min(_PATIENCE, deadline - time.monotonic()))):
      if self.has_ended:
        raise EOFError
      if time.monotonic() >= deadline:
        raise TimeoutError

  @property
  def has_ended(self) -> bool:
    """Whether the process has ended and all its messages were received.

    The connection does not say so if a process that it has started lives on and holds it.
    """
    return self._process.exitcode is not None and not self.connection.poll()

  def wait(self) -> str:
    """Waits until a process has ended that is ending, and returns in words how it ended."""
    self._process.join(_LONGEST_END)
    self.kill()
    return self.end

  @property
  def end(self) -> str:
    """In words how the process has ended."""
    code = self._process.exitcode or 0
    return f"by {signal.Signals(-code).name}" if code < 0 else f"with status {code}"

  def kill(self) -> None:
    """Ends the process if it lives, and the processes that it has started, which may outlive it."""
    if self._process.pid is not None and not self.connection.closed:
      with contextlib.suppress(ProcessLookupError, PermissionError):  # It may not have a group of its own yet.
        os.killpg(self._process.pid, signal.SIGKILL)
    self._process.kill()
    self._process.join()
    if self._process.pid is not None and not self.connection.closed:
      _wait_for_end_of_group(self._process.pid)
    self.connection.close()


def _wait_for_end_of_group(group: int) -> None:
  """Waits until processes that were killed are gone, with their memory: the system may take a moment.

  Where nothing collects ended processes, as in some containers, the group never goes, so the time is limited.
  """
  deadline = time.monotonic() + _LONGEST_KILL
  with contextlib.suppress(ProcessLookupError, PermissionError):
    while time.monotonic() < deadline:
      os.killpg(group, 0)
      time.sleep(_BETWEEN_LOOKS)


@contextlib.contextmanager
def _changed_environment(variables: Mapping[str, str]) -> Iterator[None]:
  """Changes environment variables as long as a process is started, which has them from its first moment."""
  with _ENVIRONMENT:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
      yield
    finally:
      for name, value in before.items():
        if value is None:
          os.environ.pop(name, None)
        else:
          os.environ[name] = value


def _work(make: Callable[[], Evaluator], connection: Connection) -> None:
  """Creates an evaluator and evaluates what comes, in the worker process."""
  os.setpgid(0, 0)  # So that what a child has started can be ended with it.
  multiprocessing.current_process().daemon = False  # A child may start processes, to read data for example.
  signal.signal(signal.SIGINT, signal.SIG_IGN)  # The parent process ends this one.
  signal.signal(signal.SIGTERM, signal.SIG_DFL)
  if isinstance(sys.stdout, io.TextIOWrapper):
    sys.stdout.reconfigure(line_buffering=True)  # What a child prints before it ends the process is in its log.
  faulthandler.enable(file=2, all_threads=False)  # The log of a child says where a segmentation fault was.
  threading.Thread(target=_end_with_parent, daemon=True).start()
  try:
    connection.send(STARTED)
    evaluator = make()
    watch(evaluator, connection.send)
    connection.send(READY)
    for architectures, log in _received(connection):
      connection.send(BEGUN)
      with _printing_into(log):
        for evaluation in evaluate_each(evaluator, architectures):
          connection.send(evaluation)
  except Exception as error:
    if _has_lost_parent():  # So there is nobody to tell.
      return
    logging.error("the evaluator cannot go on", exc_info=error)
    connection.send(_Stopped(f"{type(error).__name__}: {error}"))


def _received(connection: Connection) -> Iterator[_Job]:
  """Yields what the parent process sends, until it closes the connection."""
  while True:
    try:
      yield connection.recv()
    except EOFError:
      return


@contextlib.contextmanager
def _printing_into(path: str | None) -> Iterator[None]:
  """Lets everything that this process prints, libraries in C included, go into a file.

  If an exception ends the process, its traceback goes there, too.
  """
  if path is None:
    yield
    return
  kept = [os.dup(number) for number in (1, 2)]
  file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
  _redirect(file, file)
  yield
  _redirect(*kept)
  for number in (file, *kept):
    os.close(number)


def _redirect(output: int, errors: int) -> None:
  """Lets standard output and standard error of this process go to open files."""
  for stream in (sys.stdout, sys.stderr):
    with contextlib.suppress(Exception):  # A child may have closed it.
      stream.flush()
  os.dup2(output, 1)
  os.dup2(errors, 2)


def _has_lost_parent() -> bool:
  parent = multiprocessing.parent_process()
  return parent is not None and not parent.is_alive()


def _end_with_parent() -> None:
  """Ends this process, and those that it has started, when its parent process has ended, in whatever way."""
  parent = multiprocessing.parent_process()
  if parent is not None:
    parent.join()
    os.killpg(0, signal.SIGKILL)
