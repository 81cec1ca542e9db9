"""An evaluator whose work is done by a process of its own, which is ended when an evaluation takes too long."""

import collections
import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from absl import logging

from nao_tf.evaluators.base import Evaluator, EvaluatorError
from nao_tf.evaluators.outcomes import evaluate_each
from nao_tf.trial import Architecture, Evaluation


class WorkerEvaluator:
  """Evaluates in a worker process.

  The process is kept from one evaluation to the next. One that hangs is ended, and one that dies is replaced, so that
  the search goes on whatever a child does: a segmentation fault, the end of the memory, an endless loop.

  It is a context manager that ends the process.
  """

  def __init__(self, make: Callable[[], Evaluator], *, timeout: float | None = None, retries: int = 2):
    """Starts the process and waits until it has made its evaluator.

    Args:
      make: returns the evaluator that does the work. It is called in the process, so it can be pickled: a function at
        the top level of a module, or a `functools.partial` of one.
      timeout: seconds after which an evaluation has failed; None for no limit. Making the evaluator does not count.
      retries: how often an evaluation is begun again after it has ended the process.

    Raises:
      EvaluatorError: if the evaluator cannot be made.
      ValueError: if an option is out of range.
    """
    if timeout is not None and not timeout > 0:
      raise ValueError(f"timeout must be above 0 seconds, got {timeout}")
    if retries < 0:
      raise ValueError(f"retries must not be negative, got {retries}")
    self._make, self._timeout, self._retries = make, timeout, retries
    self._deaths: collections.Counter[Architecture] = collections.Counter()
    self._worker: _Worker | None = _Worker(make)

  def evaluate(self, architectures: Sequence[Architecture]) -> Iterator[Evaluation]:
    """Yields one evaluation for each architecture, in order, as soon as it is there; see `Evaluator.evaluate`.

    Raises:
      EvaluatorError: if the evaluator of the process cannot be made or breaks its protocol.
    """
    done = 0
    while done < len(architectures):
      for evaluation in self._evaluate_until_it_ends(architectures[done:]):
        done += 1
        yield evaluation

  def close(self) -> None:
    """Ends the process."""
    if self._worker is not None:
      self._worker.kill()
      self._worker = None

  def __enter__(self) -> "WorkerEvaluator":
    return self

  def __exit__(self, *_: object) -> None:
    self.close()

  def _evaluate_until_it_ends(self, architectures: Sequence[Architecture]) -> Iterator[Evaluation]:
    """Yields evaluations until there is one for each architecture, or the process has ended."""
    self._worker = self._worker or _Worker(self._make)
    self._worker.send(architectures)
    for architecture in architectures:
      try:
        yield self._worker.receive(self._timeout)
      except TimeoutError:
        self.close()
        yield Evaluation.failed(f"took longer than {self._timeout:g} seconds", self._timeout or 0.0)
        return
      except EOFError:
        yield from self._after_death(architecture, self._worker.wait())
        return

  def _after_death(self, architecture: Architecture, end: str) -> Iterator[Evaluation]:
    """Yields a failed evaluation if the architecture has ended the process too often."""
    self._worker = None
    self._deaths[architecture] += 1
    logging.warning("the evaluation of %s ended its process %s", architecture, end)
    if (count := self._deaths[architecture]) > self._retries:
      yield Evaluation.failed(f"its evaluation ended its process {end}, {count} times")


class _Stopped(NamedTuple):
  """A message of a worker that cannot go on.

  Attributes:
    reason: why, in words.
  """

  reason: str


_READY = "ready"
_LONGEST_END = 30.0
"""Seconds that a process may take to end, writing its memory to a file for example."""


class _Worker:
  """A process that evaluates."""

  def __init__(self, make: Callable[[], Evaluator]):
    """Starts the process and waits until it is ready.

    Raises:
      EvaluatorError: if its evaluator cannot be made.
    """
    context = multiprocessing.get_context("spawn")  # A fork of a process that has threads may hang.
    self._connection, theirs = context.Pipe()
    self._process = context.Process(target=_work, args=(make, theirs), daemon=True, name="evaluator")
    self._process.start()
    theirs.close()
    try:
      self.receive(None)
    except EOFError as error:
      raise EvaluatorError(f"the process of the evaluator ended {self.wait()} before it was ready") from error

  def send(self, architectures: Sequence[Architecture]) -> None:
    """Gives work to the process. If it has ended, `receive` says so."""
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
      self._connection.send(list(architectures))

  def receive(self, timeout: float | None) -> Any:
    """Returns the next message.

    Raises:
      TimeoutError: if none comes in time.
      EOFError: if the process has ended.
      EvaluatorError: if the process cannot go on.
    """
    if not self._connection.poll(timeout):
      raise TimeoutError
    try:
      message = self._connection.recv()
    except ConnectionResetError as error:
      raise EOFError from error
    if isinstance(message, _Stopped):
      raise EvaluatorError(message.reason)
    return message

  def wait(self) -> str:
    """Waits until a process has ended that is ending, and returns in words how it ended."""
    self._process.join(_LONGEST_END)
    self.kill()
    code = self._process.exitcode or 0
    return f"by {signal.Signals(-code).name}" if code < 0 else f"with status {code}"

  def kill(self) -> None:
    """Ends the process if it lives."""
    self._process.kill()
    self._process.join()
    self._connection.close()


def _work(make: Callable[[], Evaluator], connection: Connection) -> None:
  """Makes an evaluator and evaluates what comes, in the worker process."""
  signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent process ends this one.
  threading.Thread(target=_end_with_parent, daemon=True).start()
  try:
    evaluator = make()
    connection.send(_READY)
    for architectures in _received(connection):
      for evaluation in evaluate_each(evaluator, architectures):
        connection.send(evaluation)
  except Exception as error:
    logging.error("the evaluator cannot go on", exc_info=error)
    connection.send(_Stopped(f"{type(error).__name__}: {error}"))


def _received(connection: Connection) -> Iterator[list[Architecture]]:
  """Yields what the parent process sends, until it closes the connection."""
  while True:
    try:
      yield connection.recv()
    except EOFError:
      return


def _end_with_parent() -> None:
  """Ends this process when its parent process has ended, in whatever way."""
  parent = multiprocessing.parent_process()
  if parent is not None:
    parent.join()
    os._exit(1)
