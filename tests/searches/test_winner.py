import json
import math

from nao_tf.runs.finalists import RERANK_DIRECTORY
from nao_tf.runs.journal import read_trials
from nao_tf.searches.reading import load
from nao_tf.searches.winner import BEST_FILE, evaluate_finalists, finalists, write_winner
from nao_tf.spaces import make_space
from nao_tf.spaces.genotypes import genotype_from_json
from nao_tf.trial import RANDOM, Evaluation, Trial
from tests.support.toys import CountingEvaluator, ToySpace, search_toy

REWARDS = (0.1, None, 0.5, 0.3, 0.4, 0.2)
TRIALS = [Trial(i, (i,), RANDOM, Evaluation(reward)) for i, reward in enumerate(REWARDS)]


def test_finalists_are_the_best_by_reward():
  assert [trial.id for trial in finalists(TRIALS, 3)] == [2, 4, 3]


def test_finalists_by_new_scores_are_the_best_of_ten_times_as_many():
  scores = {(0,): 0.9, (2,): math.nan, (3,): 0.1, (4,): 0.2, (5,): 0.3}

  def rescore(architectures):
    return [scores[architecture] for architecture in architectures]

  assert [trial.id for trial in finalists(TRIALS, 2, rescore=rescore)] == [0, 5]
  assert [trial.id for trial in finalists(TRIALS, 5, rescore=rescore)] == [0, 5, 4, 3, 2]
  many = [Trial(i, (i,), RANDOM, Evaluation(-i)) for i in range(30)]
  assert [trial.id for trial in finalists(many, 2, rescore=lambda many: [a[0] for a in many])] == [19, 18]


def test_finalists_are_evaluated_in_a_directory_of_their_own_and_reported(tmp_path):
  search_toy(str(tmp_path), "random", 12, space_name="toy")
  trials, space = load(tmp_path).trials, ToySpace()
  seen = []
  best = evaluate_finalists(
    finalists(trials, 3), trials, space, CountingEvaluator(), str(tmp_path), {"seed": 0}, on_trial=seen.append
  )
  assert len(seen) == 3 and read_trials(str(tmp_path / RERANK_DIRECTORY)) == seen
  assert best.architecture == finalists(trials, 1)[0].architecture and best.id == finalists(trials, 1)[0].id
  assert "Trained from scratch" in (tmp_path / "report.html").read_text()


def test_the_winner_is_described(tmp_path):
  space = make_space("nasnet5")
  architecture = next(space.enumerate())
  write_winner(str(tmp_path), Trial(7, architecture, RANDOM, Evaluation(0.5, metrics={"parameters": 12})), space)
  best = json.loads((tmp_path / BEST_FILE).read_text())
  assert genotype_from_json(best.pop("genotype")) == space.decode(architecture)
  assert best == {
    "trial": 7,
    "origin": "random",
    "space": "nasnet5",
    "architecture": space.format(architecture),
    "reward": 0.5,
    "parameters": 12,
    "metrics": {"parameters": 12},
  }
