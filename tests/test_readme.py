"""What the README shows, run."""

import pathlib
import re

import pytest

README = (pathlib.Path(__file__).parent.parent / "README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def block(word):
  """Returns the only block of code with a word in it."""
  [text] = [text for text in BLOCKS if word in text]
  return text


def test_a_hypermodel_is_tuned_in_fewer_than_fifteen_lines(tmp_path, monkeypatch, capsys):
  monkeypatch.chdir(tmp_path)
  program = block("NAOTuner")
  assert len([line for line in program.splitlines() if line.strip()]) < 15
  assert "max_trials=50" in program and "epochs=5" in program
  exec(program.replace("max_trials=50", "max_trials=2").replace("epochs=5", "epochs=1"), {})
  assert {"trial_0", "trial_1"} <= {path.name for path in (tmp_path / "runs" / "dense").iterdir()}
  assert "'learning_rate':" in capsys.readouterr().out


def test_an_evaluator_of_ones_own_is_searched_with(tmp_path, monkeypatch, capsys):
  monkeypatch.chdir(tmp_path)
  program = block("class Mine")
  assert "num_trials=40" in program
  exec(program.replace("num_trials=40", "num_trials=4"), {})
  assert capsys.readouterr().out.strip()


@pytest.mark.parametrize("name", sorted(set(re.findall(r"\bnao-[a-z]+\b", README))))
def test_every_command_is_one_that_is_installed(name):
  assert f'"{name.removeprefix("nao-")}"' in (pathlib.Path(__file__).parent.parent / "setup.py").read_text()
