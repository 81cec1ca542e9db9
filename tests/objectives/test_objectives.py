"""The objectives of a search: what its trials have, and which of them are in the Pareto set."""

import numpy as np
import pytest

from nao_tf.objectives import NotMeasured, objectives_of, pareto_set_on_record, recorded_objectives
from nao_tf.trial import Evaluation, Trial

BOTH = objectives_of(["accuracy", "parameters"])


def trial(number, accuracy, parameters, objectives=BOTH):
  evaluation = Evaluation(accuracy, metrics={"accuracy": accuracy, "parameters": parameters})
  return objectives.complete(Trial(number, (number,), evaluation=evaluation))


TRIALS = [trial(0, 0.5, 10), trial(1, 0.9, 50), trial(2, 0.4, 20), trial(3, 0.9, 50), trial(4, 0.7, 30)]


def test_the_values_are_written_into_the_evaluation():
  assert TRIALS[0].evaluation.objectives == {"accuracy": 0.5, "parameters": 10.0}
  assert BOTH.complete(TRIALS[0]) is TRIALS[0]
  assert BOTH.points(TRIALS[:2]).tolist() == [[0.5, -10], [0.9, -50]]


def test_the_pareto_set_has_no_dominated_trial_and_of_equals_the_earliest():
  assert [member.id for member in BOTH.pareto_set(TRIALS)] == [1, 4, 0]
  assert [member.id for member in BOTH.pareto_set(TRIALS[::-1])] == [1, 4, 0]


def test_a_failed_or_an_open_trial_has_no_place_in_it():
  failed, still_open = Trial(5, (5,), evaluation=Evaluation.failed("no")), Trial(6, (6,))
  assert [member.id for member in BOTH.pareto_set([*TRIALS, BOTH.complete(failed), still_open])] == [1, 4, 0]
  assert BOTH.complete(still_open) is still_open


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None, "many"])
def test_a_trial_without_a_finite_value_has_failed(value):
  lacking = trial(0, 0.5, value)
  assert lacking.reward is None and "no finite parameters" in lacking.evaluation.metrics["reason"]
  assert lacking.evaluation.metrics["accuracy"] == 0.5


def test_what_is_known_beforehand_is_taken_where_the_evaluator_is_silent():
  objectives = objectives_of(
    ["accuracy", "multiply_adds"], {"multiply_adds": lambda architecture: architecture[0] or None}
  )
  closed = trial(7, 0.5, 1, objectives)
  assert closed.evaluation.objectives["multiply_adds"] == 7.0
  known = objectives.known_points([(3,), (0,)])
  assert np.isnan(known[:, 0]).all() and known[:, 1].tolist() == [-3.0, -np.inf]


def test_the_best_come_first():
  assert [member.id for member in BOTH.ranked(TRIALS)][-1] == 2


@pytest.mark.parametrize(
  ("names", "words"),
  [(["accuracy"], "two or more"), (["loss", "loss"], "two or more different"), ("accuracy", "expected a list")],
)
def test_one_objective_is_refused(names, words):
  with pytest.raises(ValueError, match=words):
    objectives_of(names)


def test_no_names_are_a_search_for_the_reward():
  assert objectives_of([]) is None and recorded_objectives({"seed": 1}) is None
  assert pareto_set_on_record({}, TRIALS) == []


def test_a_search_is_read_with_the_objectives_on_record():
  settings = {"objectives": [str(objective) for objective in BOTH.members]}
  assert pareto_set_on_record(settings, TRIALS) == BOTH.pareto_set(TRIALS)
  with pytest.raises(ValueError, match="trial 0: expected the objectives accuracy, loss"):
    pareto_set_on_record({"objectives": ["accuracy", "loss"]}, TRIALS)


@pytest.mark.parametrize("metrics", [{"f1": 1.0, "energy": float("nan")}, {"f1": "many", "energy": None}])
def test_what_is_there_is_measured_whatever_its_value(metrics):
  objectives_of(["f1:max", "energy:min"]).check_measured(Evaluation(0.5, metrics=metrics))


def test_what_an_evaluator_does_not_measure_is_said_with_what_it_does():
  words = "objectives: the evaluator has no metric enrgy; it has f1, energy; did you mean energy"
  with pytest.raises(NotMeasured, match=words):
    objectives_of(["f1:max", "enrgy:min"]).check_measured(Evaluation(0.5, metrics={"f1": 1.0, "energy": 2.0}))
  with pytest.raises(NotMeasured, match="no metric parameters; it has none; this search goes on"):
    objectives_of(["reward", "parameters"]).check_measured(Evaluation(0.5))


def test_other_names_of_a_metric_and_what_is_known_beforehand_are_measured():
  BOTH.check_measured(Evaluation(0.5, metrics={"accuracy": 0.5, "params": 3}))
  known = objectives_of(["reward", "parameters"], {"parameters": lambda architecture: 1.0})
  known.check_measured(Evaluation(0.5))


@pytest.mark.parametrize(
  ("names", "words"),
  [
    ("accuracy,multiply_adds", r"write \['accuracy', 'multiply_adds'\]"),
    ("accuracy", r"write \['accuracy', \.\.\.\]"),
    (3, "expected a list for 'objectives', got 3"),
    (None, "expected a list for 'objectives', got None"),
  ],
)
def test_objectives_are_a_list(names, words):
  with pytest.raises(ValueError, match=words):
    objectives_of(names)
