import csv
import dataclasses
import json
import multiprocessing
import pathlib
import signal
import subprocess
import sys
import time

import pytest
from absl import flags

from nao_tf.benchmarks import strategy_benchmark as benchmark
from nao_tf.evaluators.tabular_evaluator import TabularEvaluator
from nao_tf.spaces import make_space
from nao_tf.strategies import make_strategy
from nao_tf.tables import read_table
from nao_tf.tools import benchmark_strategies as binary
from tests.support.toy_tables import nasbench201_arrays, write_table
from tests.support.toys import CountingEvaluator, ToySpace

ROOT = str(pathlib.Path(__file__).parents[2])


@pytest.fixture(scope="module")
def table_path(tmp_path_factory):
  return write_table(tmp_path_factory.mktemp("tables") / "t.npz", nasbench201_arrays())


def arguments(table_path, output, *argv):
  small = ("--strategies=evolution,random", "--num_seeds=2", "--num_trials=25", "--num_processes=2")
  return ["--space=nasbench201", f"--table={table_path}", f"--output={output}", *small, *argv]


def flag_values(table_path, output, *argv):
  values = flags.FlagValues()
  binary.define_flags(values)
  values(["benchmark", *arguments(table_path, output, *argv)])
  return values


def read_csv(path):
  with open(path, newline="", encoding="utf-8") as file:
    return list(csv.DictReader(file))


# The loop.


@pytest.mark.parametrize("batch_size", [1, 4, 100])
def test_exactly_the_budget_is_spent_failures_included(batch_size):
  strategy = make_strategy("evolution", make_space("nasnet5"), seed=1)
  trials = benchmark.search_table(strategy, CountingEvaluator(), num_trials=60, batch_size=batch_size)
  assert [trial.id for trial in trials] == list(range(60)) and any(trial.reward is None for trial in trials)


def test_an_exhausted_space_ends_a_search():
  strategy = make_strategy("random", ToySpace())
  assert len(benchmark.search_table(strategy, CountingEvaluator(), num_trials=100, batch_size=7)) == 18


def test_a_search_ends_with_the_trial_that_reaches_the_bound(table_path):
  table = read_table(table_path)

  def search(**options):
    strategy, evaluator = make_strategy("evolution", table.space), TabularEvaluator(table)
    return benchmark.search_table(strategy, evaluator, num_trials=200, batch_size=10, **options)

  whole = [trial.reward for trial in search()]
  bound = max(whole[:150])
  stopped = [trial.reward for trial in search(stop_at=bound)]
  assert stopped == whole[: whole.index(bound) + 1]


# The binary.


def test_a_benchmark_writes_curves_a_summary_and_a_plot(tmp_path, table_path, capsys):
  binary.main(flag_values(table_path, tmp_path / "out"))
  rows = read_csv(tmp_path / "out" / "curves.csv")
  assert list(rows[0]) == ["strategy", "seed", "query", "objective", "test"] and len(rows) == 2 * 2 * 25
  for group in {(row["strategy"], row["seed"]) for row in rows}:
    curve = [row for row in rows if (row["strategy"], row["seed"]) == group]
    assert [int(row["query"]) for row in curve] == list(range(1, 26))
    objectives = [float(row["objective"]) for row in curve]
    assert objectives == sorted(objectives)
    assert all(float(row["test"]) == pytest.approx(float(row["objective"]) + 1, abs=1e-4) for row in curve)
  summary = json.loads((tmp_path / "out" / "summary.json").read_text())
  assert list(summary["strategies"]) == ["evolution", "random"]
  assert (tmp_path / "out" / "curves.png").read_bytes().startswith(b"\x89PNG")
  assert "evolution" in capsys.readouterr().out


def test_seeds_and_strategies_may_be_added_and_nothing_is_run_again(tmp_path, table_path):
  few, many = (flag_values(table_path, tmp_path, *argv) for argv in (["--strategies=random", "--num_seeds=1"], []))
  binary.main(few)
  before = read_csv(tmp_path / "curves.csv")
  kept = tmp_path / "runs" / "random-0.json"
  changed = kept.stat().st_mtime_ns
  binary.main(many)
  after = read_csv(tmp_path / "curves.csv")
  assert kept.stat().st_mtime_ns == changed
  assert [row for row in after if row["strategy"] == "random" and row["seed"] == "0"] == before
  assert len(after) == 4 * len(before)


@pytest.mark.parametrize(
  "flag, message",
  [
    ("--num_trials=20", r"evolution-0.json: .*num_trials was 25, is 20"),
    ("--batch_size=5", "batch_size was 10, is 5"),
    ("--objective=val12", "objective was 'val200', is 'val12'"),
    ("--stop_at_best", "stop_at_best was False, is True"),
    ("--evolution_population_size=20", "options.config.population_size was 50, is 20"),
  ],
)
def test_other_settings_in_the_same_directory_are_refused_by_name(tmp_path_factory, table_path, flag, message):
  directory = tmp_path_factory.getbasetemp() / "settings"
  binary.main(flag_values(table_path, directory))
  with pytest.raises(ValueError, match=message):
    binary.main(flag_values(table_path, directory, flag))


def test_another_table_is_refused(tmp_path, table_path):
  binary.main(flag_values(table_path, tmp_path, "--strategies=random"))
  arrays = nasbench201_arrays()
  arrays["cifar10_val200"][0] += 1
  with pytest.raises(ValueError, match=r"table was '[0-9a-f]{16}', is '[0-9a-f]{16}'"):
    binary.main(flag_values(write_table(tmp_path / "other.npz", arrays), tmp_path, "--strategies=random"))


@pytest.mark.parametrize(
  "flag, message",
  [
    ("--space=nasbench101", "this is a table of nasbench201, but --space is nasbench101"),
    ("--num_trials=0", "--num_trials must be at least 1, got 0"),
    ("--batch_size=0", "--batch_size must be at least 1, got 0"),
    ("--evolution_mutation=amoebanet", "--evolution_mutation=amoebanet needs a space of cells"),
    ("--objective=val1", "no figure 'val1'"),
    ("--evolution_tournament_size=60", "tournament_size"),
  ],
)
def test_wrong_flags_are_refused_before_anything_is_run(tmp_path, table_path, flag, message):
  with pytest.raises(ValueError, match=message):
    binary.main(flag_values(table_path, tmp_path / "out", flag))
  assert not (tmp_path / "out").exists()


def test_an_unknown_strategy_is_refused_by_its_flag(tmp_path, table_path):
  with pytest.raises(flags.IllegalFlagValueError, match="--strategies=random,genetic: unknown strategy 'genetic'"):
    flag_values(table_path, tmp_path / "out", "--strategies=random,genetic")


def test_a_record_that_is_none_is_named(tmp_path, table_path):
  (tmp_path / "runs").mkdir()
  (tmp_path / "runs" / "random-0.json").write_text("{}")
  with pytest.raises(ValueError, match=r"random-0.json: not the record of a search"):
    binary.main(flag_values(table_path, tmp_path))


def test_killed_and_started_again_the_curves_are_the_same(tmp_path, table_path):
  argv = ("--num_seeds=3", "--num_trials=60", "--batch_size=3")
  binary.main(flag_values(table_path, tmp_path / "whole", *argv))
  command = [sys.executable, "-m", "nao_tf.tools.benchmark_strategies"]
  command += arguments(table_path, tmp_path / "killed", *argv)
  process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
  while process.poll() is None and not list((tmp_path / "killed").glob("runs/*.json")):
    time.sleep(0.02)
  assert process.poll() is None
  process.send_signal(signal.SIGKILL)
  process.wait()
  assert len(list((tmp_path / "killed").glob("runs/*.json"))) < 6
  binary.main(flag_values(table_path, tmp_path / "killed", *argv))
  assert (tmp_path / "killed" / "curves.csv").read_bytes() == (tmp_path / "whole" / "curves.csv").read_bytes()


def fail(run):
  print("about to fail", flush=True)
  raise LookupError(f"seed {run.seed}")


def wait_or_fail(run):
  if run.seed == 1:
    sys.exit(7)
  time.sleep(600)


def make_runs(table_path, directory, num_seeds):
  config = benchmark.BenchmarkConfig(str(table_path), num_trials=5)
  return benchmark.make_runs({"random": {}}, range(num_seeds), config, str(directory))


def test_a_search_that_fails_is_named_with_the_reason(tmp_path, table_path):
  with pytest.raises(ChildProcessError, match="random, seed 0: LookupError: seed 0\nabout to fail"):
    benchmark.run_benchmark(make_runs(table_path, tmp_path, 1), search=fail, num_processes=1)


def test_the_other_searches_end_with_one_that_fails(tmp_path, table_path):
  start = time.monotonic()
  with pytest.raises(ChildProcessError, match="random, seed 1: "):
    benchmark.run_benchmark(make_runs(table_path, tmp_path, 3), search=wait_or_fail, num_processes=3)
  assert time.monotonic() - start < 60 and not multiprocessing.active_children()


def test_queries_are_counted_those_of_finished_searches_included_wherever_they_run(tmp_path, table_path):
  counts, options = [], {"num_processes": 1, "executor": "inline"}
  benchmark.run_benchmark(make_runs(table_path, tmp_path, 1), on_queries=counts.append, **options)
  records = benchmark.run_benchmark(make_runs(table_path, tmp_path, 3), on_queries=counts.append, **options)
  assert counts == [0, 5, 5, 5, 5] and [record.settings["seed"] for record in records] == [0, 1, 2]


def test_no_processes_are_refused(tmp_path, table_path):
  with pytest.raises(ValueError, match="num_processes must be at least 1, got 0"):
    benchmark.run_benchmark(make_runs(table_path, tmp_path, 1), num_processes=0)


def test_settings_are_flat_and_do_not_name_places(table_path):
  config = benchmark.BenchmarkConfig(table_path)
  first, second = (benchmark.make_runs({"random": {}}, [3], config, directory)[0] for directory in ("here", "there"))
  assert first.settings == second.settings and first.settings["seed"] == 3 and first.settings["report"] == "test200"
  assert str(first) == "random, seed 3" and dataclasses.asdict(first)["directory"] == "here"


RECORD = {"settings": {}, "seconds": 1.5, "objectives": [90.5, None], "tests": [90.0, None], "rows": [3, None]}


@pytest.mark.parametrize(
  ("changes", "message"),
  [
    ({"seconds": -1}, "expected a finite number of at least 0 for 'seconds', got -1"),
    ({"seconds": True}, "for 'seconds', got True"),
    ({"settings": []}, "expected a JSON object for 'settings'"),
    ({"objectives": [90.5, "x"]}, r"expected a finite number for 'objectives\[1\]', got 'x'"),
    ({"objectives": None}, "expected a list for 'objectives', got None"),
    ({"tests": [90.0]}, "expected a list of 2 for 'tests'"),
    ({"rows": [3, 0.5]}, r"expected an integer of at least 0 for 'rows\[1\]', got 0.5"),
    ({"rows": [-1, None]}, r"for 'rows\[0\]', got -1"),
    ({"more": 1}, "a record: has an unknown 'more'"),
  ],
)
def test_a_record_of_wrong_types_is_refused_with_the_field(changes, message):
  assert benchmark.Record.from_json(RECORD).rows == [3, None]
  with pytest.raises(ValueError, match=message):
    benchmark.Record.from_json({**RECORD, **changes})


def test_a_record_of_more_queries_than_trials_is_refused(tmp_path, table_path):
  run = benchmark.make_runs({"random": {}}, [3], benchmark.BenchmarkConfig(table_path, num_trials=1), str(tmp_path))[0]
  (tmp_path / "runs").mkdir()
  (tmp_path / "runs" / "random-3.json").write_text(json.dumps({**RECORD, "settings": run.settings}))
  with pytest.raises(ValueError, match=r"random-3.json: expected at most 1 queries, got 2"):
    benchmark.read_record(run)
