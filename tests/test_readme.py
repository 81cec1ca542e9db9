"""What the README shows, run."""

import pathlib
import re

from tests.support import shapes
from tests.support.tiny_cells import TINY

ROOT = pathlib.Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def block(word):
  """Returns the only block of code with a word in it."""
  [text] = [text for text in BLOCKS if word in text]
  return text


def test_three_lines_find_and_train_a_network(tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  images, names = shapes.shape_arrays(24)
  program = block("nao_tf.search(")
  assert len([line for line in program.splitlines() if line.strip()]) == 3
  changed = program.replace("num_trials=40", "num_trials=1, strategy='random', verbose=0, **quick")
  found = {"x_train": images, "y_train": names, "quick": {**TINY, "space": "tests.support.tiny_cells:TinyCells"}}
  exec(changed.replace("epochs=60", "epochs=1, verbose=0"), found)
  assert found["model"].predict(images[:3], verbose=0).shape == (3, 2)


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
  program = block("class CountConvolutions")
  assert "num_trials=40" in program
  exec(program.replace("num_trials=40", "num_trials=4"), {})
  assert capsys.readouterr().out.strip()


def test_the_two_commands_are_targets_of_the_makefile():
  makefile = (ROOT / "Makefile").read_text()
  for target in ("search", "test"):
    assert f"make {target} " in README and f"\n{target}: " in makefile


def test_it_is_short():
  assert len(README.splitlines()) <= 110
