"""An evaluator whose work is done by a process of its own, which is ended when an evaluation takes too long."""

import collections
import time
from collections.abc import Callable, Iterator, Sequence

from absl import logging

from nao_tf.evaluators.base import Evaluator
from nao_tf.evaluators.worker_process import BEGUN, WorkerProcess
from nao_tf.trial import Architecture, Evaluation


class WorkerEvaluator:
  """Evaluates in a worker process.

  The process is kept from one evaluation to the next. One that hangs is ended, and one that dies is replaced, so that
  the search goes on whatever a child does: a segmentation fault, the end of the memory, an endless loop.

  It is a context manager that ends the process. For several processes see `nao_tf.searches.executors`.
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
    self._worker: WorkerProcess | None = self._start()

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
    self._worker = self._worker or self._start()
    self._worker.send(architectures)
    for architecture in architectures:
      try:
        yield self._receive(self._worker)
      except TimeoutError:
        self.close()
        yield Evaluation.failed(f"took longer than {self._timeout:g} seconds", self._timeout or 0.0)
        return
      except EOFError:
        yield from self._after_death(architecture, self._worker.wait())
        return

  def _start(self) -> WorkerProcess:
    """Starts a process and waits until it is ready."""
    worker = WorkerProcess(self._make)
    worker.wait_until_ready()
    return worker

  def _receive(self, worker: WorkerProcess) -> Evaluation:
    """Returns the next evaluation. Epochs of its training are shown to nobody here, and do not prolong its time."""
    deadline = None if self._timeout is None else time.monotonic() + self._timeout
    while not isinstance(message := worker.receive(_seconds_to(deadline)), Evaluation):
      if message == BEGUN and self._timeout is not None:
        deadline = time.monotonic() + self._timeout
    return message

  def _after_death(self, architecture: Architecture, end: str) -> Iterator[Evaluation]:
    """Yields a failed evaluation if the architecture has ended the process too often."""
    self._worker = None
    self._deaths[architecture] += 1
    logging.warning("the evaluation of %s ended its process %s", architecture, end)
    if (count := self._deaths[architecture]) > self._retries:
      yield Evaluation.failed(f"its evaluation ended its process {end}, {count} times")


def _seconds_to(deadline: float | None) -> float | None:
  return None if deadline is None else max(0.0, deadline - time.monotonic())
