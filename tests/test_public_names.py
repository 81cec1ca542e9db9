"""What `import nao_tf` offers."""

import ast
import pathlib
import pydoc
import re
import subprocess
import sys
import textwrap

import pytest

import nao_tf

ROOT = pathlib.Path(__file__).parent.parent
NAMES = [name for name in nao_tf.__all__ if name != "__version__"]


def in_a_new_process(program):
  return subprocess.run(
    [sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True, timeout=120
  ).stdout


def test_importing_it_imports_nothing_else():
  program = "import sys; before = set(sys.modules); import nao_tf; print(sorted(set(sys.modules) - before))"
  modules = ast.literal_eval(in_a_new_process(program))
  assert [name for name in modules if name.startswith(("nao_tf", "numpy", "tensorflow", "keras"))] == ["nao_tf"]


def test_only_the_tuner_needs_tensorflow():
  names = [name for name in NAMES if name != "NAOTuner"]
  program = f"import sys; from nao_tf import {', '.join(names)}; print('tensorflow' in sys.modules)"
  assert in_a_new_process(program) == "False\n"


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_the_thing_at_its_place(name):
  module, _, attribute = nao_tf._PLACES[name].partition(":")
  assert getattr(nao_tf, name) is getattr(sys.modules[module], attribute)


def test_the_lists_of_names_agree():
  assert dir(nao_tf) == sorted(nao_tf.__all__) == sorted({*nao_tf._PLACES, "__version__"})
  for_type_checkers = re.findall(r"^  from (\S+) import (.*)$", pathlib.Path(nao_tf.__file__).read_text(), re.MULTILINE)
  places = {name: f"{module}:{name}" for module, names in for_type_checkers for name in names.split(", ")}
  assert places == nao_tf._PLACES


def test_there_are_about_as_many_names_as_one_can_remember():
  assert 13 <= len(NAMES) <= 20


def test_another_name_is_an_error():
  with pytest.raises(AttributeError, match="module 'nao_tf' has no attribute 'serach'"):
    _ = nao_tf.serach


def test_help_shows_the_names():
  text = pydoc.render_doc(nao_tf, renderer=pydoc.plaintext)
  assert all(name in text for name in NAMES)


def test_the_example_in_the_docstring_runs(tmp_path, monkeypatch, capsys):
  monkeypatch.chdir(tmp_path)
  lines = [line for line in nao_tf.__doc__.splitlines() if line.startswith("    ")]
  exec(textwrap.dedent("\n".join(lines)), {})
  best, loaded = capsys.readouterr().out.splitlines()
  assert float(best.split()[0]) >= 5 and loaded == f"100 {best.split()[0]}"
