"""By how much candidates are expected to push the front, with known and predicted objectives."""

import numpy as np
import pytest

from nao_tf.objectives import objectives_of
from nao_tf.strategies.expected_front import ExpectedFront
from nao_tf.trial import Evaluation, Trial

KNOWN = objectives_of(["accuracy", "parameters"], {"parameters": lambda a: float(a[0]) or None})
UNKNOWN = objectives_of(["accuracy", "parameters"])
ACCURACIES = {10: 0.2, 20: 0.5, 30: 0.6, 40: 0.9}
NOBODY = Trial(9, (50,), evaluation=Evaluation.failed("no"))


def trials_of(objectives):
  rows = [Evaluation(a, metrics={"accuracy": a, "parameters": p}) for p, a in ACCURACIES.items()]
  return [objectives.complete(Trial(n, (p,), evaluation=row)) for n, (p, row) in enumerate(zip(ACCURACIES, rows))]


def test_what_is_known_is_not_predicted():
  assert ExpectedFront(KNOWN, trials_of(KNOWN), "ranks").predicted == [0]
  assert ExpectedFront(UNKNOWN, trials_of(UNKNOWN), "ranks").predicted == [0, 1]
  targets = ExpectedFront(UNKNOWN, [*trials_of(UNKNOWN), NOBODY], "rewards").targets
  assert len(targets) == 2 and all(len(column) == 5 and abs(column.mean()) < 1e-9 for column in targets)
  assert targets[0][4] == targets[0].min()


def test_a_candidate_that_is_known_to_cost_less_grows_the_volume_more():
  front = ExpectedFront(KNOWN, trials_of(KNOWN), "rewards")
  means, deviations = front.candidates([(15,), (35,), (0,)], [(np.full(3, 2.0), np.full(3, 0.1))])
  assert (deviations[:, 1] == 0).all() and (deviations[:, 0] > 0).all()
  cheap, dear, none = front.growth((means, deviations))
  assert cheap > dear > none == 0


def test_what_is_believed_is_not_worth_evaluating_again():
  front = ExpectedFront(UNKNOWN, trials_of(UNKNOWN), "rewards")
  candidates = front.candidates([(1,)], [(np.array([3.0]), np.array([0.01])), (np.array([3.0]), np.array([0.01]))])
  before = front.growth(candidates)
  front.believe(candidates[0])
  assert front.growth(candidates) < 0.05 * before


def test_all_objectives_may_be_known():
  costs = {"parameters": lambda a: float(a[0]), "multiply_adds": lambda a: 50.0}
  objectives = objectives_of(["parameters", "multiply_adds"], costs)
  front = ExpectedFront(objectives, [objectives.complete(Trial(0, (50,), evaluation=Evaluation(0.5)))], "ranks")
  assert front.predicted == [] and front.targets == []
  assert front.growth(front.candidates([(40,), (50,)], [])) == pytest.approx([10 * 0.1, 0], abs=1e-6)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("target", ["ranks", "rewards"])
def test_very_large_values_that_are_predicted_do_not_overflow(target):
  objectives = objectives_of(["accuracy", "energy:min"])
  rows = [Evaluation(a, metrics={"accuracy": a, "energy": 1e300 * (1 + p)}) for p, a in ACCURACIES.items()]
  trials = [objectives.complete(Trial(n, (n,), evaluation=row)) for n, row in enumerate(rows)]
  front = ExpectedFront(objectives, trials, target)
  assert all(np.isfinite(column).all() and column.std() > 0 for column in front.targets)
