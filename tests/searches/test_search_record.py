import dataclasses

import pytest

from nao_tf.runs.finalists import RERANK_DIRECTORY
from nao_tf.runs.journal import Journal
from nao_tf.searches.reading import load
from nao_tf.searches.reranking import rerank
from nao_tf.searches.search_record import SearchRecord
from nao_tf.searches.winner import finalists
from nao_tf.trial import best_trial
from tests.support.toys import CountingEvaluator, ToySpace, search_toy


class Reverse:
  """The lower the choices, the better."""

  def evaluate(self, architectures):
    for architecture in architectures:
      evaluation = CountingEvaluator().score(architecture)
      yield dataclasses.replace(evaluation, reward=-evaluation.reward)


def test_the_best_is_one_of_the_reranked(tmp_path):
  search_toy(str(tmp_path), "random", 12, space_name="toy")
  trials = load(tmp_path).trials
  with Journal(str(tmp_path / RERANK_DIRECTORY), {}) as journal:
    rerank(finalists(trials, 3), ToySpace(), Reverse(), journal)
  record = load(tmp_path)
  assert {trial.id for trial in record.reranked} == {trial.id for trial in finalists(trials, 3)}
  assert record.best == best_trial(record.reranked) != best_trial(trials)
  assert trials[record.best.id].architecture == record.best.architecture


def test_a_record_without_data_says_how_to_train_its_winner():
  with pytest.raises(ValueError, match=r"runs/mine: .* nao_tf\.load\('runs/mine', x, y\)\.train"):
    SearchRecord("runs/mine", {}, [], []).train(epochs=3)
