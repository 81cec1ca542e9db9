import pytest

from nao_tf.runs.journal import Journal
from nao_tf.searches.reranking import rerank
from nao_tf.trial import RANDOM, Evaluation, Trial
from tests.support.scripted_executor import ScriptedExecutor
from tests.support.toys import CountingEvaluator, ToySpace

# By the search's rewards the first is the best; by the counting evaluator the last.
ARCHITECTURES = [(0, 0, 1, 0), (0, 1, 0, 1), (1, 1, 1, 1)]
CANDIDATES = [Trial(7 - i, a, RANDOM, Evaluation(0.9 - i / 10)) for i, a in enumerate(ARCHITECTURES)]


def test_the_best_of_the_new_evaluations_wins_and_says_where_it_comes_from(tmp_path):
  with Journal(str(tmp_path), {}) as journal:
    best = rerank(CANDIDATES, ToySpace(), CountingEvaluator(), journal)
  assert best.architecture == ARCHITECTURES[2] and best.reward == 1.0
  assert str(best.origin) == "#5 of the search, reward 0.7000"


def test_what_was_evaluated_is_not_evaluated_again(tmp_path):
  for seen in (0, 3):
    closed = []
    with Journal(str(tmp_path), {}) as journal:
      assert len(journal.trials) == seen
      rerank(CANDIDATES, ToySpace(), CountingEvaluator(), journal, on_trial=closed.append)
      assert len(journal.trials) == len(closed) == 3


def test_other_candidates_are_added_to_what_was_evaluated(tmp_path):
  def again(*candidates):
    with Journal(str(tmp_path), {}) as journal:
      best = rerank(candidates, ToySpace(), CountingEvaluator(), journal)
      return best.architecture, [trial.architecture for trial in journal.trials]

  first, second, third = CANDIDATES
  assert again(second) == (ARCHITECTURES[1], [ARCHITECTURES[1]])
  everything = [ARCHITECTURES[i] for i in (1, 0, 2)]
  assert again(first, third) == (ARCHITECTURES[2], everything)
  assert again(first) == (ARCHITECTURES[0], everything)


def test_there_must_be_candidates(tmp_path):
  with Journal(str(tmp_path), {}) as journal, pytest.raises(ValueError, match="must be at least 1"):
    rerank([], ToySpace(), CountingEvaluator(), journal)


def test_candidates_are_evaluated_side_by_side_by_an_executor(tmp_path):
  executor = ScriptedExecutor(3, [2, 1])
  with Journal(str(tmp_path), {}) as journal:
    best = rerank(CANDIDATES, ToySpace(), executor, journal)
  assert best.architecture == ARCHITECTURES[2] and executor.most_at_a_time == 3 and executor.evaluated == [2, 1, 0]
