"""What is found is trained only if it is a network, and that is said before a search begins."""

import pytest

from nao_tf.runs.journal import read_trials
from nao_tf.tools import search, winners
from nao_tf.trial import Evaluation, Trial
from tests.support.command_line import run
from tests.support.outside import Bits

OUTSIDE = "tests.support.outside"
OWN = [f"--space={OUTSIDE}:Bits", f"--evaluator={OUTSIDE}:Counting", "--strategy=random", "--num_trials=2"]
HINT = "to train and export it"


def test_what_is_no_network_is_not_said_to_be_trainable(tmp_path, capsys):
  assert run(search, *OWN, f"--workdir={tmp_path}") == 0
  printed = capsys.readouterr().out
  assert "best architecture: " in printed and HINT not in printed


def test_a_network_that_an_evaluator_of_ones_own_has_found_may_be_trained(tmp_path, capsys):
  argv = ["--space=tests.support.tiny_cells:pairs", "--evaluator=tests.support.tiny_cells:FirstChoice"]
  assert run(search, *argv, "--strategy=random", "--num_trials=2", f"--workdir={tmp_path}") == 0
  assert f"{HINT}: nao-search --workdir={tmp_path} --train_best" in capsys.readouterr().out


@pytest.mark.parametrize(
  "argv", [["--train_best"], ["--export_pareto=front", "--objectives=reward,energy:min"]], ids=["best", "front"]
)
def test_what_is_no_network_is_not_trained(argv, tmp_path):
  words = f"{argv[0].partition('=')[0]}: the architectures of {OUTSIDE}:Bits are not networks .*, got a tuple"
  with pytest.raises(ValueError, match=words):
    run(search, *OWN, f"--workdir={tmp_path}/run", *argv)
  assert not (tmp_path / "run").exists()


def test_a_search_goes_on_that_was_refused_to_train_what_it_found(tmp_path):
  assert run(search, *OWN, f"--workdir={tmp_path}") == 0
  recorded = (tmp_path / "command.json").read_text()
  with pytest.raises(ValueError, match="--train_best: "):
    run(search, *OWN, f"--workdir={tmp_path}", "--train_best")
  assert (tmp_path / "command.json").read_text() == recorded
  assert run(search, *OWN, f"--workdir={tmp_path}", "--num_trials=3") == 0
  assert len(read_trials(str(tmp_path))) == 3


def test_networks_of_another_kind_of_tasks_are_not_trained(tmp_path):
  argv = ["--space=rnn12", f"--evaluator={OUTSIDE}:Counting", "--strategy=random", "--train_best"]
  with pytest.raises(ValueError, match="--train_best: the architectures of rnn12 .*, got a RecurrentGenotype"):
    run(search, *argv, f"--workdir={tmp_path}/run")


@pytest.mark.parametrize(("count", "words"), [(1, "Pareto set: 1 trial that"), (2, "Pareto set: 2 trials that")])
def test_a_pareto_set_is_counted(count, words, capsys):
  trials = [
    Trial(number, (1,) * 6, evaluation=Evaluation(0.5, objectives={"energy": 1e301})) for number in range(count)
  ]
  winners.print_pareto_set(trials, Bits())
  printed = capsys.readouterr().out
  assert words in printed and "energy 1e+301: 1 1 1 1 1 1" in printed
