"""Evaluates trials in parallel outside of a search: without a journal and without a strategy."""

import collections
import contextlib
import tempfile
from collections.abc import Iterable, Iterator, Sequence

from nao_tf.runs.attempts import Attempts
from nao_tf.searches.executors.base import Executor, Run
from nao_tf.trial import Architecture, Evaluation, Trial


def evaluate_side_by_side(executor: Executor, trials: Iterable[Trial], *, retries: int = 2) -> Iterator[Trial]:
  """Yields trials with their evaluations in order of completion.

  Args:
    executor: the executor.
    trials: open trials.
    retries: number of times that a trial is restarted after it lost its worker.
  """
  waiting = collections.deque(trials)
  with tempfile.TemporaryDirectory(prefix="nao_tf_") as directory, contextlib.ExitStack() as stack:
    attempts = stack.enter_context(contextlib.closing(Attempts(directory, ())))
    executor.start(Run(directory, attempts, retries))
    stack.callback(executor.cancel)
    while waiting or not executor.is_idle:
      batch = [waiting.popleft() for _ in range(min(executor.num_free, len(waiting)))]
      if batch:
        executor.submit(batch)
      closed = executor.next_done()
      if closed is not None:
        yield closed


def evaluations_in_order(executor: Executor, architectures: Sequence[Architecture]) -> Iterator[Evaluation]:
  """Yields the evaluation of each architecture, in the given order, as soon as it is available."""
  trials = [Trial(number, architecture) for number, architecture in enumerate(architectures)]
  done: dict[int, Evaluation] = {}
  expected = 0
  for closed in evaluate_side_by_side(executor, trials):
    if closed.evaluation is not None:
      done[closed.id] = closed.evaluation
    while expected in done:
      yield done.pop(expected)
      expected += 1
