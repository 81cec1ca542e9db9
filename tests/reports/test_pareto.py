"""The Pareto set on the page: a chart of all trials, with the cell of each where the pointer is, and a table."""

import pytest

from nao_tf.objectives import objectives_of
from nao_tf.reports import write_report
from nao_tf.reports.charts import shown_range
from nao_tf.runs.journal import Journal
from nao_tf.spaces import make_space
from nao_tf.trial import Evaluation, Trial
from tests.support.pages import read_page

SPACE = make_space("nasbench201")
FIGURES = ((0.5, 100, 3.0), (0.9, 900, 2.0), (0.4, 200, 4.0), (0.9, 1000, 9.0))


def page(directory, names):
  objectives = objectives_of(names)
  settings = {} if objectives is None else {"objectives": list(map(str, objectives.members))}
  with Journal(str(directory), settings) as journal:
    for number, (accuracy, parameters, latency) in enumerate(FIGURES):
      trial = Trial(number, (number, 0, 0, 0, 0, 1))
      journal.append_asked([trial])
      metrics = {"accuracy": accuracy, "parameters": parameters, "latency": latency}
      closed = trial.close(Evaluation(accuracy, metrics=metrics))
      journal.append_closed(closed if objectives is None else objectives.complete(closed))
  write_report(str(directory), SPACE)
  return read_page(directory)


@pytest.fixture(scope="module")
def two(tmp_path_factory):
  return page(tmp_path_factory.mktemp("two"), ["accuracy", "parameters"])


def test_the_chart_has_the_front_and_the_dominated_ones(two):
  chart = two.data["charts"]["pareto_0"]
  assert (chart["x"], chart["y"]) == ("parameters", "accuracy")
  series = {one["name"]: one for one in chart["series"]}
  assert series["Pareto set"]["ids"] == [0, 1] and series["dominated"]["ids"] == [2, 3]
  assert series["front"]["style"] == "step" and series["front"]["x"] == [100, 900]


def test_a_point_says_which_cell_it_is(two):
  (text,) = [one["texts"][0] for one in two.data["charts"]["pareto_0"]["series"] if one["name"] == "Pareto set"]
  assert text.startswith("Trial #0 · accuracy 0.5, parameters 100") and SPACE.format((0, 0, 0, 0, 0, 1)) in text


def test_the_set_is_in_words_and_in_a_table(two):
  assert "Objectives: maximize accuracy and minimize parameters. 2 trials are in the Pareto set" in two.text
  assert "The Pareto set" in two.text


def test_each_further_objective_has_a_chart_without_a_line(tmp_path):
  charts = page(tmp_path, ["accuracy", "parameters", "latency"]).data["charts"]
  assert charts["pareto_1"]["x"] == "latency, ms"
  assert all(one["style"] == "dots" for one in charts["pareto_1"]["series"])


def test_a_search_for_the_reward_has_none(tmp_path):
  found = page(tmp_path, [])
  assert not [name for name in found.data["charts"] if name.startswith("pareto")] and "Pareto set:" not in found.text


def test_outliers_do_not_set_the_range_of_the_chart():
  values = [0.7, 0.72, 0.74, 0.75, 0.76, 0.78, 0.8, 0.1, 0.12]
  assert shown_range(values, [0.8, 0.74]) == {"y_range": [0.7, 0.8], "outside": 2}
  assert shown_range(values, [0.8, 0.12]) == {"y_range": [0.12, 0.8], "outside": 1}, "the front is always shown"
  assert shown_range(values[:7], [0.8]) == shown_range([0.5] * 9, [0.5]) == {}
