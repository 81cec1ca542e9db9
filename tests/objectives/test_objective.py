"""Names of objectives, and the values that evaluations have of them."""

import pytest

from nao_tf.objectives import OBJECTIVES, objective_of
from nao_tf.trial import Evaluation


def test_each_has_a_direction():
  maximized = {name for name, objective in OBJECTIVES.items() if objective.is_maximized}
  assert maximized == {"accuracy", "reward"}


@pytest.mark.parametrize("name", OBJECTIVES)
def test_what_is_written_is_read(name):
  assert objective_of(str(objective_of(name))) == objective_of(name) == OBJECTIVES[name]


def test_a_metric_of_ones_own_has_a_direction_of_ones_own():
  energy = objective_of("energy:min")
  assert energy.name == "energy" and energy.sign == -1 and objective_of("f1:max").sign == 1
  assert energy.value(Evaluation(1.0, metrics={"energy": 3})) == 3.0


@pytest.mark.parametrize(
  ("name", "words"),
  [
    ("acuracy", "did you mean accuracy"),
    ("multiply_add", "did you mean multiply_adds"),
    ("f1", "with its direction, such as f1:max"),
    ("energy:low", "unknown objective 'energy:low'"),
    (":max", "unknown objective"),
    ("accuracy:min", "expected accuracy:max"),
  ],
)
def test_a_wrong_name_is_refused_with_what_may_be_meant(name, words):
  with pytest.raises(ValueError, match=words):
    objective_of(name)


def test_the_value_is_a_metric_under_one_of_its_names_or_the_reward():
  evaluation = Evaluation(0.5, metrics={"params": 10, "loss": float("nan"), "accuracy": True})
  assert OBJECTIVES["parameters"].value(evaluation) == 10.0
  assert OBJECTIVES["reward"].value(evaluation) == 0.5
  assert OBJECTIVES["loss"].value(evaluation) is None and OBJECTIVES["accuracy"].value(evaluation) is None
