import types

import pytest

from nao_tf.reports.ranking import kendall_tau, rankings
from nao_tf.runs.predictions import Prediction
from nao_tf.trial import Evaluation, Trial


@pytest.mark.parametrize(
  ("xs", "ys", "tau"),
  [
    ((1, 2, 3), (4, 5, 6), 1.0),
    ((1, 2), (2, 1), -1.0),
    ((1, 2, 3, 4), (1, 2, 4, 3), 2 / 3),
    ((1, 1), (2, 3), None),
    ((1,), (2,), None),
  ],
)
def test_orders_are_compared(xs, ys, tau):
  assert kendall_tau(xs, ys) == (None if tau is None else pytest.approx(tau))


def test_predictors_of_one_proposal_each_are_ranked_in_tens():
  before = [4, 4, 6, *range(7, 19)]
  trials = [Trial(number, (number,), evaluation=Evaluation(float(number))) for number in range(len(before))]
  predictions = {number: Prediction(0.01 * number, asked) for number, asked in enumerate(before)}
  found = rankings(types.SimpleNamespace(scored=trials, predictions=predictions))
  assert [(ranking.asked_before, len(ranking.ids)) for ranking in found] == [(4, 2), (6, 10), (16, 3)]
  assert [ranking.tau for ranking in found] == pytest.approx([1, 1, 1])
