"""The examples run, with settings that take seconds."""

import ast
import dataclasses
import importlib.util
import json
import os

import pytest

from nao_tf.serving import export_network
from nao_tf.tasks import make_task
from tests.docs import pages
from tests.support import one_convolution
from tests.support.without_graphs import without_graphs

EXAMPLES = pages.ROOT / "examples"


def load(name):
  """Returns the module of an example."""
  spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
  module = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(module)
  return module


def run_search_digits(directory):
  example = load("search_digits")
  training = dataclasses.replace(example.SMALL.training_config, batch_size=512)
  example.SMALL = dataclasses.replace(example.SMALL, training_config=training)
  with without_graphs():
    best = example.main(str(directory / "run"), num_trials=2)
  assert best.reward > 0


def run_own_space(directory):
  best = load("own_space").main(str(directory / "run"), num_trials=40)
  assert best.reward > 0.4


def run_keras_tuner_nao(directory):
  values = load("keras_tuner_nao").main(str(directory), max_trials=2, epochs=1)
  assert {"num_layers", "units_0", "learning_rate"} <= set(values)


def run_load_saved_model(directory):
  task = make_task("digits")
  network = one_convolution.make_network(task)
  export_network(network, str(directory / "saved_model"), genotype=one_convolution.GENOTYPE, task=task)
  found = load("load_saved_model").main(str(directory / "saved_model"), num_images=5)
  assert found.shape == (5,)


RUNS = {name.removeprefix("run_"): function for name, function in globals().items() if name.startswith("run_")}


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_an_example_runs(path, tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  RUNS[path.stem](tmp_path)


def code_of(path):
  """Returns the code of the cells of a notebook, after checking that it is one of format 4 without outputs."""
  notebook = json.loads(path.read_text(encoding="utf-8"))
  assert notebook["nbformat"] == 4 and {"cells", "metadata", "nbformat_minor"} <= set(notebook)
  assert len({cell["id"] for cell in notebook["cells"]}) == len(notebook["cells"])
  cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
  assert not any(cell["outputs"] or cell["execution_count"] for cell in cells)
  return ["".join(cell["source"]) for cell in cells]


def test_the_notebook_has_programs_that_import_what_there_is():
  codes = code_of(EXAMPLES / "own_images.ipynb")
  programs = [ast.parse(code) for code in codes]
  imports = [node for program in programs for node in program.body if isinstance(node, ast.Import | ast.ImportFrom)]
  names = {}
  exec(compile(ast.Module(imports, []), "own_images.ipynb", "exec"), names)
  used = [node for program in programs for node in ast.walk(program) if isinstance(node, ast.Attribute)]
  asked = [node.attr for node in used if isinstance(node.value, ast.Name) and node.value.id == "nao_tf"]
  assert asked and all(hasattr(names["nao_tf"], name) for name in asked)


@pytest.mark.slow
def test_the_notebook_runs(tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  names = {}
  for code in code_of(EXAMPLES / "own_images.ipynb"):
    small_cells = ("TINY = {", 'TINY = {"space": "tests.support.tiny_cells:TinyCells", ')
    for slow, quick in (("NUM_IMAGES = 200", "NUM_IMAGES = 30"), ("num_trials=4", "num_trials=1"), small_cells):
      code = code.replace(slow, quick).replace("epochs=5", "epochs=1").replace("epochs=20", "epochs=1")
    exec(compile(code, "own_images.ipynb", "exec"), names)
  assert len(names["accuracies"]) == 2 and all(0 <= accuracy <= 1 for accuracy in names["accuracies"])
  assert os.path.exists("runs/own_images/saved_model/saved_model.pb")
