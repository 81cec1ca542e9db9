"""Curves of a benchmark: incumbents, means and standard errors by hand."""

import math

import numpy as np
import pytest

from nao_tf.benchmarks import curves
from nao_tf.benchmarks.strategy_benchmark import Record


def record(objectives, tests, num_trials, strategy="random", seed=0, seconds=1.0):
  settings = {"strategy": strategy, "seed": seed, "num_trials": num_trials, "objective": "val", "report": "test"}
  return Record(settings, seconds, objectives, tests, list(range(len(objectives))))


def test_the_incumbent_is_the_earliest_best_so_far():
  curve = curves.incumbents(record([None, 2.0, 1.0, 2.0, 3.0], [9.0, 5.0, 6.0, 7.0, None], 5))
  np.testing.assert_array_equal(curve["objective"], [math.nan, 2, 2, 2, 3])
  np.testing.assert_array_equal(curve["test"], [math.nan, 5, 5, 5, math.nan])


def test_a_search_that_ended_early_keeps_its_incumbent():
  curve = curves.incumbents(record([1.0, 4.0], [2.0, 3.0], 5))
  assert curve["objective"].tolist() == [1, 4, 4, 4, 4] and curve["test"].tolist() == [2, 3, 3, 3, 3]


def test_curves_have_a_row_for_each_query_and_no_figure_where_there_is_none(tmp_path):
  curves.write_curves(str(tmp_path / "c.csv"), [record([None, 1 / 3], [None, 0.5], 3, seed=4)])
  assert (tmp_path / "c.csv").read_text().splitlines() == [
    "strategy,seed,query,objective,test",
    "random,4,1,,",
    "random,4,2,0.33333,0.50000",
    "random,4,3,0.33333,0.50000",
  ]


def test_a_mean_of_three_has_the_standard_error_of_the_textbook():
  # Mean 4, squared deviations 9 + 0 + 9, variance 18 / 2, standard error 3 / sqrt(3).
  assert curves.mean_and_error([1.0, 4.0, 7.0]) == {"mean": 4.0, "stderr": round(math.sqrt(3), 5)}
  assert curves.mean_and_error([1.0]) == {"mean": 1.0, "stderr": None}


def test_a_search_that_has_not_found_the_best_counts_as_its_budget():
  found, not_found = [1.0] * 29 + [5.0], [1.0] * 60
  records = [record(found, found, 60), record(not_found, not_found, 60, seed=1)]
  summary = curves.summarize(records, best_objective=5.0)["random"]
  assert summary["queries_to_best"] == {"mean": 45.0, "stderr": 15.0, "median": 45.0, "num_not_found": 1}
  means = {name: {"mean": 3.0, "stderr": 2.0} for name in curves.FIGURES}
  assert summary["checkpoints"] == {"50": means, "60": means}
  assert summary["num_seeds"] == 2


def test_a_summary_is_text_with_a_line_for_each_figure_and_strategy():
  records = [
    record([1.0, 3.0], [2.0, None], 2, strategy=name, seed=seed) for name in ("nao", "random") for seed in (0, 1)
  ]
  lines = curves.as_text(curves.summarize(records, best_objective=3.0)).splitlines()
  assert lines[0] == "objective  nao        2: 3.000 ± 0.000  (2 seeds)"
  assert lines[3] == "test       random     2: - ± -  (2 seeds)"
  assert lines[4] == "to best    nao        2.0 ± 0.0 queries, median 2, not found in 0 of 2 searches"


@pytest.mark.parametrize("report, num_axes", [("test", 2), ("val", 1)])
def test_a_plot_shows_each_figure_once_with_a_line_for_each_strategy(report, num_axes):
  values = [float(value) for value in range(20)]
  records = [record(values, values, 20, strategy=name, seed=seed) for name in ("nao", "random") for seed in (0, 1)]
  records = [Record({**r.settings, "report": report}, r.seconds, r.objectives, r.tests, r.rows) for r in records]
  axes = curves.plot(records).axes
  assert len(axes) == num_axes and axes[0].get_xscale() == "log" and axes[0].get_xlim()[0] == 10
  assert [line.get_label() for line in axes[0].lines] == ["nao (2 seeds)", "random (2 seeds)"]
  assert axes[0].get_ylim()[0] == 9  # The mean after the tenth query.
