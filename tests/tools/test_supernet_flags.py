import json
import math
import shutil

import pytest
import tensorflow as tf
from absl import flags

from nao_tf.benchmarks import curves
from nao_tf.benchmarks import strategy_benchmark as benchmark
from nao_tf.benchmarks.supernet_benchmark import SCORES_DIRECTORY
from nao_tf.runs.journal import read_trials
from nao_tf.runs.json_files import write_json
from nao_tf.runs.settings import RunDirectoryError
from nao_tf.tools import benchmark_strategies, search, supernet_flags
from tests.support.toy_tables import nasbench201_arrays, write_table
from tests.tools.test_tools import run

SPACE = "--space=tests.support.tiny_cells:pairs"
SIZES = ("pool_size=4", "reference_size=2", "epochs=1", "validation_examples=100", "num_cells=1", "filters=4")
SMALL = ["--strategies=evolution,random", "--evolution_population_size=4", "--evolution_tournament_size=2"]


@pytest.fixture(scope="module")
def supernet(tmp_path_factory):
  """The directory of a search with shared weights, of two trials."""
  tf.config.run_functions_eagerly(True)  # A few small steps are over before a graph of them is traced.
  directory = tmp_path_factory.mktemp("supernet") / "search"
  argv = [SPACE, "--strategy=random", "--num_trials=2", "--train_examples=256", "--evaluator=shared_weights"]
  argv += ["--tensorboard=none", *(f"--shared_{size}" for size in SIZES)]
  assert run(search, f"--workdir={directory}", *argv) == 0
  yield directory
  tf.config.run_functions_eagerly(False)


def flags_for(directory, output, *argv):
  values = flags.FlagValues()
  benchmark_strategies.define_flags(values)
  small = [*SMALL, "--num_seeds=1", "--num_trials=8", "--batch_size=4"]
  values(["benchmark", SPACE, f"--supernet={directory}", f"--workdir={output}", *small, *argv])
  return values


def search_inline(values):
  supernet_flags.check(values)
  runs, search_ = supernet_flags.runs(values), supernet_flags.search_of(values)
  return benchmark.run_benchmark(runs, search=search_, num_processes=1, executor="inline")


def lines_of(supernet):
  return [line for path in supernet.glob(f"{SCORES_DIRECTORY}/*/*.jsonl") for line in path.read_text().splitlines()]


def test_strategies_search_on_the_scores_which_are_taken_once(tmp_path, supernet):
  records = search_inline(flags_for(supernet, tmp_path / "first"))
  assert [record.settings["strategy"] for record in records] == ["evolution", "random"]
  assert all(len(record.objectives) == 8 and all(map(math.isfinite, record.objectives)) for record in records)
  assert records[0].objectives[:4] == records[1].objectives[:4]  # Both begin with the same random cells.
  lines = lines_of(supernet)
  scored = [tuple(json.loads(line)["architecture"]) for line in lines]
  assert 8 <= len(scored) == len(set(scored)) < 16
  again = search_inline(flags_for(supernet, tmp_path / "second"))
  assert [record.objectives for record in again] == [record.objectives for record in records]
  assert lines_of(supernet) == lines
  assert curves.best_score(records) == max(map(max, (record.objectives for record in records)))


def test_scores_are_those_of_the_search(supernet):
  scores = supernet_flags.make_scores(str(supernet), [])
  trials = read_trials(str(supernet))
  found = [evaluation.reward for evaluation in scores.evaluate([trial.architecture for trial in trials])]
  assert found == pytest.approx([trial.reward for trial in trials], rel=1e-5)


def test_a_summary_and_curves_are_written(tmp_path, supernet, capsys):
  values = flags_for(supernet, tmp_path)
  search_inline(values)
  benchmark_strategies.main(values)
  shown = capsys.readouterr().out
  assert "objective  evolution" in shown and "test " not in shown
  assert (tmp_path / "curves.png").exists() and (tmp_path / "curves.csv").exists()
  assert list(json.loads((tmp_path / "summary.json").read_text())["strategies"]) == ["evolution", "random"]


@pytest.mark.parametrize(
  ("argv", "message"),
  [
    (["--space=nasnet5"], "this is a supernet of tests.support.tiny_cells:pairs, but --space is nasnet5"),
    (["--objective=val12"], "--objective needs --table"),
    (["--stop_at_best"], "--stop_at_best needs --table"),
    (["--objectives=accuracy,multiply_adds"], "--objectives needs --table"),
  ],
)
def test_flags_that_do_not_fit_are_refused(supernet, tmp_path, argv, message):
  with pytest.raises(ValueError, match=message):
    supernet_flags.check(flags_for(supernet, tmp_path / "out", *argv))


def test_a_table_or_a_supernet_is_needed_and_not_both(tmp_path, supernet):
  table = write_table(tmp_path / "t.npz", nasbench201_arrays())
  with pytest.raises(flags.IllegalFlagValueError, match=r"\(table, supernet\)"):
    flags_for(supernet, tmp_path, f"--table={table}")


def test_what_has_no_supernet_is_refused(tmp_path, supernet):
  with pytest.raises(FileNotFoundError, match="none: there is no such directory"):
    supernet_flags.check(flags_for(tmp_path / "none", tmp_path))
  with pytest.raises(RunDirectoryError, match=r"no config.json here"):
    supernet_flags.check(flags_for(tmp_path, tmp_path / "out"))
  write_json(str(tmp_path / "config.json"), {"strategy": "darts", "space": "nasnet5"})
  with pytest.raises(ValueError, match="a search with --evaluator=shared_weights, got one with --strategy=darts"):
    supernet_flags.check(flags_for(tmp_path, tmp_path / "out"))


def test_a_supernet_that_is_not_trained_to_the_end_is_refused(tmp_path, supernet):
  shutil.copytree(supernet, tmp_path / "begun")
  (tmp_path / "begun" / "shared_weights" / "supernet" / "history.jsonl").write_text("")
  with pytest.raises(ValueError, match="its supernet is trained for 0 of 1 epochs"):
    supernet_flags.runs(flags_for(tmp_path / "begun", tmp_path / "out"))


def test_the_records_of_another_supernet_are_refused(tmp_path, supernet):
  search_inline(flags_for(supernet, tmp_path / "out"))
  shutil.copytree(supernet, tmp_path / "other")
  with open(tmp_path / "other" / "shared_weights" / "supernet" / "history.jsonl", "a") as file:
    file.write('{"epoch": 1, "train_loss": 1.0, "seconds": 1.0}\n')
  with pytest.raises(ValueError, match="table was 'supernet [0-9a-f]{16}', is 'supernet [0-9a-f]{16}'"):
    search_inline(flags_for(tmp_path / "other", tmp_path / "out"))


@pytest.mark.slow
def test_processes_share_the_scores(tmp_path, supernet):
  benchmark_strategies.main(flags_for(supernet, tmp_path / "side", "--num_processes=2", "--num_seeds=2"))
  inline = search_inline(flags_for(supernet, tmp_path / "inline", "--num_seeds=2"))
  for record in inline:
    path = tmp_path / "side" / "runs" / f"{record.settings['strategy']}-{record.settings['seed']}.json"
    assert json.loads(path.read_text())["objectives"] == pytest.approx(record.objectives, rel=1e-5)
