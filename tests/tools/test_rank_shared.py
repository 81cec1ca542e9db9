import json

import numpy as np
import pytest
from absl import flags

from nao_tf.benchmarks.supernet_ranking import RANKS_FILE
from nao_tf.tools import rank_shared


def test_architectures_without_a_score_are_left_out_and_everything_is_written_down(tmp_path, capsys):
  scores = {"shared": [0.1, None, 0.2, 0.3], "shared_parameters": [4, 3, 2, 1]}
  rank_shared.report(str(tmp_path), list("abcd"), scores, [1.0, 2.0, 3.0, 4.0])
  assert "shared_parameters    tau -1.000 +- " in capsys.readouterr().out
  written = json.loads((tmp_path / RANKS_FILE).read_text())
  assert written["tau"]["shared"][0] == pytest.approx(1) and written["scores"]["separate"] == [1.0, 2.0, 3.0, 4.0]


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
