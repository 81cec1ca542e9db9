"""The examples run, with settings that take seconds."""

import importlib.util

import pytest

from tests.docs import pages

EXAMPLES = pages.ROOT / "examples"


def load(name):
  """Returns the module of an example."""
  spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
  module = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(module)
  return module


def run_search_digits(directory):
  best = load("search_digits").main(str(directory / "run"), num_trials=2)
  assert best.reward > 0


def run_own_space(directory):
  best = load("own_space").main(str(directory / "run"), num_trials=40)
  assert best.reward > 0.4


def run_keras_tuner_nao(directory):
  values = load("keras_tuner_nao").main(str(directory), max_trials=2, epochs=1)
  assert {"num_layers", "units_0", "learning_rate"} <= set(values)


def run_own_images(directory):
  settings = {"num_images": 30, "num_trials": 1, "child_epochs": 1, "epochs": 1}
  accuracies = load("own_images").main(str(directory / "run"), **settings)
  assert len(accuracies) == 2 and all(0 <= accuracy <= 1 for accuracy in accuracies)
  assert (directory / "run" / "saved_model" / "saved_model.pb").exists()


def run_load_saved_model(directory):
  from nao_tf.serving import export_network
  from tests.support.image_cases import GENOTYPE, make_trainer

  trainer = make_trainer()
  export_network(trainer.network, str(directory / "saved_model"), genotype=GENOTYPE, task=trainer.task)
  found = load("load_saved_model").main(str(directory / "saved_model"), num_images=5)
  assert found.shape == (5,)


RUNS = {name.removeprefix("run_"): function for name, function in globals().items() if name.startswith("run_")}


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_an_example_runs(path, tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  RUNS[path.stem](tmp_path)
