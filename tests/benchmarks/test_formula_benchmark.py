import math

import pytest

from nao_tf.benchmarks import formula_benchmark
from nao_tf.benchmarks.strategy_benchmark import BenchmarkConfig, run_benchmark
from nao_tf.benchmarks.synthetic_spaces import Ternary, Widths
from nao_tf.spaces.base import Decision, SearchSpace
from nao_tf.tools import benchmark_strategies
from tests.tools.test_tools import run

WIDTHS = "nao_tf.benchmarks.synthetic_spaces:Widths"


class Distance(SearchSpace):
  """A space of a user: its reward is not a number for one architecture, and it does not know the best one."""

  name = "distance"
  decisions = (Decision("x", 5), Decision("y", 5))

  def decode(self, architecture):
    return self.checked(architecture)

  def reward(self, architecture):
    return math.nan if architecture == (0, 0) else -abs(architecture[0] - 3) - abs(architecture[1] - 1)


class Unrewarded(Distance):
  reward = None


def records(space, directory, **config):
  runs = formula_benchmark.make_runs(
    {"random": {}, "local_search": {}}, range(2), BenchmarkConfig(space, batch_size=1, **config), str(directory)
  )
  return run_benchmark(runs, search=formula_benchmark.search, num_processes=1, executor="inline")


def test_searches_see_the_rewards_of_the_space(tmp_path):
  found = records(WIDTHS, tmp_path, num_trials=40)
  space = Widths()
  assert [record.settings["strategy"] for record in found] == ["random", "local_search"] * 2
  assert all(len(record.objectives) == 40 for record in found)
  assert all(set(record.objectives) <= set(space.all_rewards.tolist()) for record in found)
  assert all(record.rows == [None] * 40 for record in found)


def test_a_search_may_end_at_the_best_reward(tmp_path):
  found = records("nao_tf.benchmarks.synthetic_spaces:Edges", tmp_path, num_trials=2000, stop_at_best=True)
  best = formula_benchmark.best_reward(formula_benchmark.make_space("nao_tf.benchmarks.synthetic_spaces:Edges"))
  ended = [record for record in found if len(record.objectives) < 2000]
  assert ended and all(record.objectives[-1] == best > max(record.objectives[:-1]) for record in ended)


def test_a_reward_that_is_no_number_is_a_failed_trial(tmp_path):
  for record in records(f"{__name__}:Distance", tmp_path, num_trials=25):
    assert record.objectives.count(None) == 1 and max(filter(lambda x: x is not None, record.objectives)) == 0


def test_the_formula_is_part_of_the_record(tmp_path):
  records(f"{__name__}:Distance", tmp_path, num_trials=3)
  with pytest.raises(ValueError, match="other settings"):
    records(WIDTHS, tmp_path, num_trials=3)
  assert (
    formula_benchmark._digest(Widths()) == formula_benchmark._digest(Widths()) != formula_benchmark._digest(Ternary())
  )


@pytest.mark.parametrize(
  ("config", "message"),
  [
    ({"objective": "val200"}, "--objective, --report and --objectives need --table"),
    ({"objectives": ("accuracy", "parameters")}, "need --table"),
    ({"stop_at_best": True}, "expected an attribute best_reward"),
  ],
)
def test_what_needs_a_table_is_refused(tmp_path, config, message):
  with pytest.raises(ValueError, match=message):
    records(f"{__name__}:Distance", tmp_path, **config)


def test_the_binary_compares_on_a_space_with_rewards(tmp_path, capsys):
  small = ["--strategies=random,local_search", "--num_trials=12", "--num_seeds=2", "--num_processes=1"]
  run(benchmark_strategies, f"--space={WIDTHS}", f"--workdir={tmp_path}", *small)
  assert "not found in" in capsys.readouterr().out
  assert {path.name for path in tmp_path.iterdir()} == {"runs", "curves.csv", "summary.json", "curves.png"}


@pytest.mark.parametrize("space", ["nasbench201", f"{__name__}:Unrewarded"])
def test_a_space_without_rewards_needs_a_table(tmp_path, space):
  with pytest.raises(ValueError, match="expected --table or --supernet, or a space with a method `reward`"):
    run(benchmark_strategies, f"--space={space}", f"--workdir={tmp_path}", "--strategies=random")
