"""What version 0.1.0 began and did not finish goes on with this version, and loses nothing."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest
from tensorflow import keras

from nao_tf.runs.journal import read_trials
from nao_tf.tools import recorded_flags, search, tune
from tests.support import toy_tables
from tests.tools.test_tools import run

DATA = pathlib.Path(__file__).parent.parent / "data" / "version_0_1_0"
EXPECTED = json.loads((DATA / "expected.json").read_text())
CHILD = ("num_cells=1", "filters=2", "epochs=1", "batch_size=32", "auxiliary=false")
CHILDREN = ["--task=digits", "--train_examples=200", *(f"--child_{flag}" for flag in CHILD)]

THREADS = {"TF_NUM_INTRAOP_THREADS": "2", "TF_NUM_INTEROP_THREADS": "2"}
"""As many as the training began with: they decide in which order gradients are summed."""

TRAINING_CURVES = [
  [epoch["train_loss"] for epoch in EXPECTED[name]] for name in ("training", "training_without_onednn")
]
"""Version 0.1.0 itself ends on the one or the other: the training is so steep that rounding shows, and TensorFlow takes the
kernels of oneDNN on some processors only."""

needs_keras_3 = pytest.mark.skipif(not hasattr(keras, "ops"), reason="the checkpoint was written by Keras 3")


@pytest.fixture(scope="module")
def table(tmp_path_factory):
  return toy_tables.write_table(tmp_path_factory.mktemp("table") / "201.npz", toy_tables.nasbench201_arrays())


@pytest.fixture
def begun(tmp_path):
  def begun(name):
    shutil.copytree(DATA / name, tmp_path / name)
    return str(tmp_path / name)

  return begun


def tabular(workdir, table, strategy, *flags):
  budget = ("--num_trials=40", "--seed=3", f"--strategy={strategy}", f"--workdir={workdir}")
  recorded = recorded_flags.of("search", workdir)  # As the command itself does.
  return run(search, *recorded, "--space=nasbench201", "--evaluator=tabular", f"--table={table}", *budget, *flags)


def outcomes(workdir):
  return [[list(trial.architecture), trial.reward] for trial in read_trials(workdir)]


def test_evolution_goes_on_to_the_same_trials(begun, table):
  workdir = begun("evolution")
  flags = ("--evolution_population_size=8", "--evolution_tournament_size=3", "--batch_size=3")
  assert tabular(workdir, table, "evolution", *flags) == 0
  assert outcomes(workdir) == EXPECTED["evolution"]


NAO = ("--nao_num_initial=12", "--nao_ensemble_size=2", "--nao_num_neighbors=1", "--batch_size=5")
CONTROLLER = ("num_steps=20", "encoder_size=8", "mlp_size=8", "token_size=4", "decoder_token_size=4")


@pytest.mark.parametrize("with_cache", [True, False])
def test_nao_goes_on_and_keeps_every_trial(begun, table, with_cache):
  workdir = begun("nao")
  if not with_cache:
    shutil.rmtree(pathlib.Path(workdir) / "strategy")
  before = read_trials(workdir)
  assert tabular(workdir, table, "nao", *NAO, *(f"--controller_{flag}" for flag in CONTROLLER)) == 0
  assert [trial for trial in read_trials(workdir) if trial.id < 35] == before[:35]
  assert len(read_trials(workdir)) == 40


@needs_keras_3
def test_a_training_goes_on_from_its_checkpoint(begun):
  workdir = begun("training")
  network = ("--architecture=NAONet-WS", "--num_cells=1", "--filters=2", "--auxiliary=false", "--seed=2")
  flags = ("--task=digits", "--epochs=5", "--batch_size=64", "--train_examples=300")
  command = [sys.executable, "-m", "nao_tf.tools.train", f"--workdir={workdir}", *network, *flags]
  subprocess.run(command, check=True, capture_output=True, env={**os.environ, **THREADS})
  lines = (pathlib.Path(workdir) / "history.jsonl").read_text().splitlines()
  losses = [json.loads(line)["train_loss"] for line in lines]
  assert any(losses == pytest.approx(curve, rel=1e-3) for curve in TRAINING_CURVES)


@pytest.mark.slow
@needs_keras_3
def test_shared_weights_go_on_from_their_checkpoint(begun, no_graphs):
  workdir = begun("shared")
  shared = ("epochs=4", "epochs_per_round=2", "pool_size=6", "reference_size=3", "weights_per_input=false")
  flags = ("--strategy=random", "--evaluator=shared_weights", "--num_trials=8", "--batch_size=4", "--seed=4")
  assert run(search, f"--workdir={workdir}", *flags, *(f"--shared_{flag}" for flag in shared), *CHILDREN) == 0
  architectures, rewards = zip(*outcomes(workdir))
  expected_architectures, expected_rewards = zip(*EXPECTED["shared"])
  assert architectures == expected_architectures
  assert rewards == pytest.approx(expected_rewards, rel=1e-3)


def test_a_project_of_keras_tuner_goes_on_and_keeps_every_trial(begun, no_graphs):
  workdir = begun("tuner")
  flags = ("--strategy=nao", "--nao_num_initial=3", "--controller_num_steps=10", "--num_trials=7", "--seed=5")
  recorded = recorded_flags.of("tune", workdir)
  assert run(tune, *recorded, f"--workdir={workdir}", *flags, *CHILDREN) == 0
  paths = [pathlib.Path(workdir) / "tuner" / f"trial_{number}" / "trial.json" for number in range(7)]
  values = [json.loads(path.read_text())["hyperparameters"]["values"] for path in paths]
  known = [[trial[name] for name in sorted(trial)] for trial in values]
  assert known[:6] == [trial for trial, _ in EXPECTED["tuner"]][:6]
