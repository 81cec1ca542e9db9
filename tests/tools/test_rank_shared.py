import json

import numpy as np
import pytest
from absl import flags

from nao_tf.benchmarks.supernet_ranking import RANKS_FILE
from nao_tf.spaces import make_space
from nao_tf.tables import read_table
from nao_tf.tools import rank_shared
from tests.support import toy_tables


def test_architectures_without_a_score_are_left_out_and_everything_is_written_down(tmp_path, capsys):
  scores = {"shared": [0.1, None, 0.2, 0.3], "shared_parameters": [4, 3, 2, 1]}
  rank_shared.report(str(tmp_path), list("abcd"), scores, [1.0, 2.0, 3.0, 4.0])
  assert "shared_parameters    tau -1.000 +- " in capsys.readouterr().out
  written = json.loads((tmp_path / RANKS_FILE).read_text())
  assert written["tau"]["shared"][0] == pytest.approx(1) and written["scores"]["separate"] == [1.0, 2.0, 3.0, 4.0]


def parsed(workdir, *arguments):
  values = flags.FlagValues()
  rank_shared.define_flags(values)
  values(["rank_shared", "--task=digits", f"--workdir={workdir}", *arguments])
  return values


@pytest.fixture(scope="module")
def table(tmp_path_factory):
  path = tmp_path_factory.mktemp("table") / "nasbench201.npz"
  toy_tables.write_table(path, toy_tables.nasbench201_arrays())
  return path


def test_what_is_no_table_of_the_space_is_refused_before_any_work(table, tmp_path):
  for arguments, message in (
    (["--space=darts"], "is a table of nasbench201, but the space is darts"),
    (["--space=nasbench201", "--table_figure=test7"], "no figure 'test7'; expected one of"),
  ):
    with pytest.raises(ValueError, match=message):
      rank_shared.main(parsed(tmp_path, f"--table={table}", *arguments))
  with pytest.raises(ValueError, match="needs --table"):
    rank_shared.main(parsed(tmp_path, "--table_figure=test200"))
  with pytest.raises(OSError, match="absent.npz"):
    rank_shared.main(parsed(tmp_path, f"--table={tmp_path / 'absent.npz'}"))


@pytest.mark.slow
def test_the_truth_can_be_that_of_a_table(table, tmp_path, capsys):
  small = [f"--shared_{option}" for option in ("num_cells=1", "filters=4", "epochs=1", "convention=nasbench201")]
  sizes = ["--shared_pool_size=5", "--shared_reference_size=2", "--num_architectures=5", "--released_repeats=1"]
  options = ["--noshared_auxiliary", "--train_examples=256", "--space=nasbench201", f"--table={table}"]
  rank_shared.main(parsed(tmp_path, *small, *sizes, *options))
  assert "Spearman" in capsys.readouterr().out.splitlines()[0]
  written = json.loads((tmp_path / RANKS_FILE).read_text())
  known, space = read_table(str(table)), make_space("nasbench201")
  rows = [known.row(space.parse(text)) for text in written["architectures"]]
  assert written["scores"]["separate"] == [None if r is None else known.figure("test200")[r] for r in rows]


@pytest.mark.slow
def test_it_measures_a_small_supernet_and_again_without_work(tmp_path, capsys):
  small = [f"--{kind}_{option}" for kind in ("shared", "child") for option in ("num_cells=1", "filters=4", "epochs=1")]
  options = ["--task=digits", "--train_examples=256", "--num_architectures=3", "--released_repeats=2", *small]
  sizes = ["--shared_pool_size=5", "--shared_reference_size=2", f"--workdir={tmp_path}"]
  for _ in range(2):
    values = flags.FlagValues()
    rank_shared.define_flags(values)
    values(["rank_shared", *options, *sizes])
    rank_shared.main(values)
  first, second = np.array_split(capsys.readouterr().out.strip().splitlines(), 2)
  assert list(first) == list(second) and [line.split(" tau")[0].strip() for line in first] == [
    *("shared", "shared_accuracy", "shared_parameters", "released_0", "released_1"),
    *("released, mean", "shared - released"),
  ]
