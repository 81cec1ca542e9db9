import json

import numpy as np
import pytest

from nao_tf.benchmarks import supernet_ranking
from nao_tf.trial import Evaluation, Trial

RNG = np.random.default_rng(0)
TRUTH = RNG.normal(size=30)


def test_correlations_are_those_of_each_way_and_the_lead_over_the_released_one():
  rows = {
    "shared": TRUTH + 0.1 * RNG.normal(size=30),
    "released_0": RNG.normal(size=30),
    "released_1": -TRUTH,
    "separate": TRUTH,
  }
  found = supernet_ranking.correlations(rows)
  assert list(found) == ["shared", "released_0", "released_1", "released, mean", "shared - released"]
  assert found["released_1"] == (pytest.approx(-1), pytest.approx(0, abs=1e-9))
  assert found["released, mean"][0] == pytest.approx((found["released_0"][0] - 1) / 2)
  assert found["shared - released"][0] == pytest.approx(found["shared"][0] - found["released, mean"][0])
  assert 0.02 < found["shared"][1] < 0.2


def test_architectures_without_a_score_are_left_out():
  ranking = supernet_ranking.rank({"shared": [0.1, None, 0.2, 0.3]}, [1.0, 9.0, 2.0, 3.0])
  assert ranking.num_architectures == 3 and ranking.tau["shared"][0] == pytest.approx(1)


def test_figures_beside_the_score_are_those_that_evaluations_report():
  metrics = [{"accuracy": 0.5, "parameters": 10}, {"accuracy": 0.4, "parameters": 20}]
  trials = [Trial(i, (i,), evaluation=Evaluation(1.0, metrics=values)) for i, values in enumerate(metrics)]
  expected = {"shared_accuracy": [0.5, 0.4], "shared_parameters": [10, 20]}
  assert supernet_ranking.other_figures(trials) == expected
  failed = Trial(2, (2,), evaluation=Evaluation.failed("out of memory"))
  assert supernet_ranking.other_figures([*trials, failed])["shared_accuracy"] == [0.5, 0.4, None]
  without = [Trial(0, (0,), evaluation=Evaluation(1.0, metrics={"parameters": 10}))]
  assert supernet_ranking.other_figures(without) == {"shared_parameters": [10]}


def test_everything_is_written_down(tmp_path):
  scores, truth = {"shared": [0.1, 0.2, 0.3]}, [1.0, 2.0, 3.0]
  ranking = supernet_ranking.rank(scores, truth)
  supernet_ranking.write_ranks(str(tmp_path), ranking, list("abc"), scores, truth)
  written = json.loads((tmp_path / supernet_ranking.RANKS_FILE).read_text())
  assert written == {
    "tau": {"shared": list(ranking.tau["shared"])},
    "spearman": {"shared": pytest.approx(1)},
    "architectures": ["a", "b", "c"],
    "scores": {**scores, "separate": truth},
  }
