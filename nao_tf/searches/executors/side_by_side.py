"""Evaluates trials that belong to no search, side by side: no journal, and no strategy to ask."""

import collections
import contextlib
import tempfile
from collections.abc import Iterable, Iterator, Sequence

from nao_tf.runs.attempts import Attempts
from nao_tf.searches.executors.base import Executor, Run
from nao_tf.trial import Architecture, Evaluation, Trial


def evaluate_side_by_side(executor: Executor, trials: Iterable[Trial], *, retries: int = 2) -> Iterator[Trial]:
  """Yields trials with their evaluations, in order of completion.

  Args:
    executor: evaluates them.
    trials: open ones.
    retries: how often a trial is begun again that has lost its worker.
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
  """Yields the evaluation of each architecture, in their order, as soon as those before it are there."""
  trials = [Trial(number, architecture) for number, architecture in enumerate(architectures)]
  done: dict[int, Evaluation] = {}
  expected = 0
  for closed in evaluate_side_by_side(executor, trials):
    if closed.evaluation is not None:
      done[closed.id] = closed.evaluation
    while expected in done:
      yield done.pop(expected)
      expected += 1
