"""Re-ranking: evaluates the best architectures of a search again, at a higher cost.

Scores with shared weights, or after a short training, only rank architectures roughly. So the few best are trained from
scratch, and the best of these wins (the final step of NAO-WS, Luo et al., NeurIPS 2018).
"""

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from nao_tf.evaluators.base import Evaluator
from nao_tf.runs.journal import Journal
from nao_tf.searches.executors import Executor
from nao_tf.searches.loop import TRIAL_RETRIES, run_search
from nao_tf.spaces.base import SearchSpace
from nao_tf.strategies.base import Proposal, Strategy
from nao_tf.training.base import Epoch
from nao_tf.trial import Origin, Trial, best_trial


class GivenArchitectures(Strategy):
  """Proposes given architectures in order."""

  def __init__(self, space: SearchSpace, given: Sequence[Proposal]):
    """Initializes with the architectures.

    Args:
      space: space of the architectures.
      given: architectures, and where each comes from.
    """
    super().__init__(space)
    self._given = list(given)

  def propose(self, count: int, rng: np.random.Generator) -> Iterable[Proposal]:
    """Returns the next ones; see `Strategy.propose`."""
    del rng
    return self._given[self.num_asked : self.num_asked + count]


def rerank(
  candidates: Sequence[Trial],
  space: SearchSpace,
  evaluator: Evaluator | Executor,
  journal: Journal,
  *,
  trial_retries: int = TRIAL_RETRIES,
  on_trial: Callable[[Trial], None] = lambda trial: None,
  on_epoch: Callable[[int, Epoch], None] = lambda trial, epoch: None,
) -> Trial | None:
  """Evaluates trials again, except those that are already evaluated in the journal.

  Args:
    candidates: the best trials of a search.
    space: space of its architectures.
    evaluator: an evaluator other than that of the search, or an executor with it.
    journal: journal of the new evaluations.
    trial_retries: see `run_search`.
    on_trial: called with each new trial that closes, including those found in the journal.
    on_epoch: see `run_search`.

  Returns:
    The best of the candidates' new trials; None if none succeeded.

  Raises:
    ValueError: if there are no candidates.
  """
  known = {trial.architecture: trial.origin for trial in journal.trials}
  wanted = {t.architecture: Origin("rerank", (t.id,), reward=t.reward) for t in candidates}
  given = [*known.items(), *(item for item in wanted.items() if item[0] not in known)]
  count = len(given) if candidates else 0
  run_search(
    GivenArchitectures(space, given),
    evaluator,
    journal,
    num_trials=count,
    batch_size=count,
    trial_retries=trial_retries,
    on_trial=on_trial,
    on_epoch=on_epoch,
  )
  return best_trial([trial for trial in journal.trials if trial.architecture in wanted])
