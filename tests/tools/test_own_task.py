"""The binaries with a task of a user's own, by its place."""

from nao_tf.tools import train
from tests.support.image_cases import GENOTYPE_FILE
from tests.tools.test_tools import run

OWN = "--task=tests.support.own_task:BrightCorners"


def test_a_network_for_a_task_of_ones_own_is_trained_and_tested_if_not_exported(tmp_path, capsys):
  small = ["--num_cells=1", "--filters=4", "--noauxiliary", "--drop_path_keep=1", "--epochs=1", "--batch_size=16"]
  assert run(train, OWN, f"--architecture={GENOTYPE_FILE}", f"--workdir={tmp_path}/run", *small) == 0
  printed = capsys.readouterr().out
  assert "not exported: there is no exporter for the task tests.support.own_task:BrightCorners" in printed
  assert "test: closeness 0." in printed
  assert not (tmp_path / "run" / "saved_model").exists()
