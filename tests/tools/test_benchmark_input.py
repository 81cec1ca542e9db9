"""nao-train --benchmark_input, as a user runs it."""

import re

import pytest
from absl import flags

from nao_tf.tools import train
from tests.support.image_cases import GENOTYPE_FILE
from tests.tools.test_flag_groups import checked
from tests.tools.test_tools import run

BENCHMARK = ("--benchmark_input", "--benchmark_seconds=0.2", "--nodeterministic")


def test_both_speeds_are_printed_and_nothing_is_written(capsys, tmp_path):
  network = ("--task=digits", f"--architecture={GENOTYPE_FILE}", "--num_cells=1", "--filters=4", "--noauxiliary")
  assert run(train, *network, *BENCHMARK, f"--workdir={tmp_path}/run") == 0
  printed = capsys.readouterr().out
  for what in ("input only", "training step only"):
    assert re.search(rf"{what}: [\d,]+ images per second, [\d,.]+ microseconds of CPU time each", printed)
  assert not list(tmp_path.iterdir())


def test_tokens_are_counted_for_a_text(capsys, tmp_path):
  network = ("--task=python_reference", "--architecture=NAO-RNN", "--units=4", "--max_vocabulary=50", "--batch_size=8")
  assert run(train, *network, *BENCHMARK, f"--workdir={tmp_path}/run") == 0
  printed = capsys.readouterr().out
  assert "input only: no pipeline to measure; the text is in memory" in printed
  assert re.search(r"training step only: [\d,]+ tokens per second", printed)


def test_the_seconds_mean_nothing_alone():
  with pytest.raises(flags.Error, match="--benchmark_seconds has no effect here: it needs --benchmark_input"):
    checked("--architecture=NAONet-WS", "--benchmark_seconds=3", tool=train)
