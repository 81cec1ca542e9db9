"""The end of a search by cheap scores: its best architectures are evaluated again, by something dearer.

Scores taken with shared weights, or after a short training, order architectures roughly. So the best few by them are
trained from scratch, and the best of these is the winner (the end of NAO-WS, Luo et al., NeurIPS 2018).
"""

from collections.abc import Callable, Sequence

from nao_tf.architecture import Architecture, Trial
from nao_tf.evaluators.base import Evaluator
from nao_tf.journal import Journal
from nao_tf.search import run_search
from nao_tf.spaces.base import SearchSpace
from nao_tf.strategies.base import Strategy


class Given(Strategy):
  """Proposes architectures that are known beforehand, in their order."""

  def __init__(self, space: SearchSpace, trials: Sequence[Trial]):
    """Args:
    space: of the architectures.
    trials: have them, and rewards.
    """
    super().__init__(space)
    self._given = [(trial.architecture, f"#{trial.id} of the search, reward {trial.reward:.4f}") for trial in trials]

  def propose(self, count, rng) -> list[tuple[Architecture, str]]:
    del rng
    return self._given[self.num_asked : self.num_asked + count]


def rerank(
  candidates: Sequence[Trial],
  space: SearchSpace,
  evaluator: Evaluator,
  journal: Journal,
  *,
  on_trial: Callable[[Trial], None] = lambda trial: None,
) -> Trial | None:
  """Evaluates trials again; killed and started again with the same journal, it goes on where it was.

  Args:
    candidates: the best of a search.
    space: of its architectures.
    evaluator: of another kind than the search's.
    journal: of the new evaluations.
    on_trial: called with each new trial that closes, those found in the journal included.

  Returns:
    The best of the new trials; None if none succeeded.

  Raises:
    ValueError: if there are no candidates.
  """
  count = len(candidates)
  return run_search(Given(space, candidates), evaluator, journal, num_trials=count, batch_size=count, on_trial=on_trial)
