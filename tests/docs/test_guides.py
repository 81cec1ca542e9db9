"""The programs of the guides run as they stand on the page."""

import contextlib
import functools
import json
import pathlib
import sys
import types
from collections.abc import Mapping

import pytest

import nao_tf
from nao_tf.serving import export_network
from nao_tf.spaces.genotypes import CellGenotype
from nao_tf.tools import train
from tests.docs import pages
from tests.support import one_convolution
from tests.support.image_cases import GENOTYPE
from tests.support.trainings import train_tiny

GUIDES = pages.ROOT / "docs" / "guides"


def run(path: pathlib.Path, directory: pathlib.Path, monkeypatch, changes: Mapping[str, str] = {}) -> dict:
  """Runs all blocks of Python on a page in order, as one module in a directory; returns its names.

  Args:
    path: of the page.
    directory: where to run them.
    monkeypatch: the fixture.
    changes: what is replaced, by what: each must be on the page.
  """
  monkeypatch.chdir(directory)
  module = types.ModuleType(f"guide_{path.stem}")
  monkeypatch.setitem(sys.modules, module.__name__, module)
  assert all(old in path.read_text() for old in changes)
  for block in pages.blocks(path, "python"):
    text = functools.reduce(lambda text, change: text.replace(*change), changes.items(), block.text)
    exec(compile(text, f"{path.name}, line {block.line}", "exec"), vars(module))
  return vars(module)


@pytest.mark.parametrize(
  "name",
  [
    "bayesian_search",
    "costs",
    "drawing",
    "motifs",
    "own_space",
    "own_strategy",
    "own_evaluator",
    "rungs",
    "search_by_sampling",
    "several_objectives",
  ],
)
def test_the_blocks_of_a_guide_are_one_program(name, tmp_path, monkeypatch):
  run(GUIDES / f"{name}.md", tmp_path, monkeypatch)


def test_the_search_by_gradients_of_the_guide_is_one_program(tmp_path, monkeypatch, no_graphs):
  names = run(GUIDES / "search_by_gradients.md", tmp_path, monkeypatch, {"batch_size=64": "batch_size=512"})
  assert names["found"].best.architecture


@pytest.mark.slow
def test_the_tasks_of_the_guide_are_learned(tmp_path, monkeypatch):
  cells = {'make_space("nasnet5")': 'make_space("tests.support.tiny_cells:TinyCells")'}
  run(GUIDES / "own_task.md", tmp_path, monkeypatch, cells)


def test_the_published_network_of_the_guide_is_built_and_its_file_is_a_cell(tmp_path, monkeypatch):
  path = GUIDES / "published_cells.md"
  names = run(path, tmp_path, monkeypatch, {"num_cells=6, filters=36": "num_cells=1, filters=4"})
  assert names["network"].trainable_variables
  [block] = pages.blocks(path, "json")
  assert CellGenotype.from_json(json.loads(block.text)).normal.outputs == (2, 3)


def test_every_guide_with_a_program_is_run_by_a_test():
  tests = "".join(path.read_text(encoding="utf-8") for path in (pages.ROOT / "tests" / "docs").glob("*.py"))
  guides = {path.stem for path in GUIDES.glob("*.md") if pages.blocks(path, "python")}
  assert not {name for name in guides if f'"{name}"' not in tests and f'"{name}.md"' not in tests}


def test_the_workers_of_the_guide_make_their_evaluators(tmp_path, monkeypatch):
  names = run(GUIDES / "many_machines.md", tmp_path, monkeypatch)
  assert hasattr(names["make_evaluator"]("nasnet5", "digits"), "evaluate")


@pytest.mark.slow
def test_the_searches_on_own_images_and_texts_are_one_program(tmp_path, monkeypatch):
  cells = '  num_cells=1,\n  space="tests.support.tiny_cells:TinyCells",\n'
  run(GUIDES / "own_images.md", tmp_path, monkeypatch, {"  num_cells=1,\n": cells, "num_trials=2,": "num_trials=1,"})


@pytest.mark.slow
def test_the_morphisms_and_the_search_of_the_guide_are_one_program(tmp_path, monkeypatch, no_graphs):
  fewer = {"num_trials=30": "num_trials=2", "epochs=5": "epochs=1, batch_size=512", "filters=16": "filters=2"}
  final = {"epochs=20": "epochs=1, batch_size=512", "filters=32": "filters=2"}
  found = run(GUIDES / "network_morphism.md", tmp_path, monkeypatch, {**fewer, **final})["found"]
  first, second = nao_tf.load(found.directory).trials
  assert (first.origin.kind, second.origin.parents) == ("initial", (first.id,))
  assert second.evaluation.metrics["inherited_from"] == first.id


@pytest.mark.slow
def test_the_progressive_search_of_the_guide_has_its_settings(tmp_path, monkeypatch, no_graphs):
  cells = {'space="pnas"': 'space="tests.support.tiny_cells:TinyCells"', "num_trials=24": "num_trials=1"}
  found = run(GUIDES / "systems.md", tmp_path, monkeypatch, {**cells, "epochs=4": "epochs=1, batch_size=512"})["found"]
  assert nao_tf.load(found.directory).settings["options.beam_size"] == 4


def test_the_tuner_of_the_guide_tunes(tmp_path, monkeypatch, capsys):
  run(GUIDES / "keras_tuner.md", tmp_path, monkeypatch, {"max_trials=50": "max_trials=2", "epochs=5": "epochs=1"})
  assert "'learning_rate':" in capsys.readouterr().out


def test_an_exported_image_network_answers_as_the_guide_says(tmp_path, monkeypatch):
  directory, task = tmp_path / "runs" / "quickstart" / "best" / "saved_model", nao_tf.make_task("digits")
  network = one_convolution.make_network(task)
  export_network(network, str(directory), genotype=one_convolution.GENOTYPE, task=task)
  names = run(GUIDES / "exporting.md", tmp_path, monkeypatch)
  assert names["answer"]["probabilities"].shape == (3, 10)


@pytest.mark.slow
def test_the_keras_models_of_the_guide_are_built_loaded_trained_and_cut(tmp_path, monkeypatch, no_graphs):
  directory = train_tiny(tmp_path / "runs" / "mine" / "best")
  (directory.parent / "best.json").write_text(json.dumps({"genotype": GENOTYPE.to_json()}))
  images = {"(32, 32, 3)": "(8, 8, 3)", "(16, 32, 32, 3)": "(4, 8, 8, 3)", "np.arange(16)": "np.arange(4)"}
  words = {"(4, 13)": "(2, 5)", "np.zeros([4, 16]": "np.zeros([2, 16]", ":6]": ":2]", "6:]": "2:]"}
  smaller = {'"NAONet-WS"': '"runs/mine/best.json"', **images, **words}
  names = run(GUIDES / "keras_models.md", tmp_path, monkeypatch, smaller)
  assert names["model"].output_shape == (None, 10) and names["transfer"].output_shape == (None, 3)


def test_an_exported_language_model_answers_as_the_guide_says(tmp_path, monkeypatch):
  values = pages.parsed(
    "nao-train --task=python_reference --train_examples=200 --architecture=NAO-RNN --units=8 --epochs=1"
    f" --segment_length=4 --batch_size=8 --nodeterministic --workdir={tmp_path}/runs/nao_rnn"
  )
  assert train.main(values) == 0
  names = run(GUIDES / "language_models.md", tmp_path, monkeypatch)
  assert names["answer"]["log_probabilities"].shape[0] == 1


class Tracker(types.ModuleType):
  """Stands for MLflow, which the tests do not have: notes what it is told."""

  def __init__(self):
    super().__init__("mlflow")
    self.noted = []

  def __getattr__(self, name):
    return lambda *args, **options: self.noted.append((name, *args, *options.values())) or contextlib.nullcontext()


def test_the_trials_of_the_guide_come_to_a_tracker(tmp_path, monkeypatch, no_graphs):
  tracker = Tracker()
  monkeypatch.setitem(sys.modules, "mlflow", tracker)
  cells = '  space="tests.support.tiny_cells:TinyCells",\n  num_cells=1,\n'
  run(GUIDES / "watching.md", tmp_path, monkeypatch, {"  num_cells=1,\n": cells, "num_trials=2,": "num_trials=1,"})
  assert [noted[0] for noted in tracker.noted] == ["set_experiment", "start_run", "log_params", "log_metrics"]
  assert tracker.noted[1][1] == "trial 0" and "reward" in tracker.noted[3][1]
