"""nao-export in every format, and what it refuses before any work."""

import json
import shutil

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from nao_tf.tools import export, train
from tests.support.one_convolution import GENOTYPE_FILE
from tests.support.trainings import FLAGS
from tests.tools.test_tools import failure, run


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
  workdir = tmp_path_factory.mktemp("runs") / "best"
  assert run(train, f"--workdir={workdir}", f"--architecture={GENOTYPE_FILE}", *FLAGS) == 0
  return workdir


def test_a_keras_file_is_exported_and_compared_on_test_images(trained, tmp_path, capsys):
  path = tmp_path / "served" / "x.keras"
  assert run(export, f"--workdir={trained}", "--format=keras", f"--output={path}") == 0
  exported, measured = capsys.readouterr().out.splitlines()
  assert exported == f"exported: {path}, from the checkpoint of epoch 1"
  assert measured.startswith("measured on images of digits: same top class for 100.00% of ")
  assert keras.models.load_model(path)(np.zeros((2, 8, 8, 1), np.uint8)).shape == (2, 10)


def test_a_file_is_exported_without_the_data_unless_the_format_needs_it(trained, tmp_path, capsys):
  directory = shutil.copytree(trained, tmp_path / "run")
  settings = json.loads((directory / "config.json").read_text())
  (directory / "config.json").write_text(json.dumps({**settings, "task": "cifar10"}))
  argv = [f"--workdir={directory}", f"--data_dir={tmp_path}/nowhere", f"--output={tmp_path}/x.tflite"]
  assert run(export, *argv, "--format=tflite") == 0
  assert "measured on random images: same top class for" in capsys.readouterr().out
  message = failure(export, *argv, "--format=tflite_int8")
  assert "--format=tflite_int8 needs training images" in message and f"{tmp_path}/nowhere" in message


def test_a_saved_model_is_exported_in_half_precision(trained, tmp_path):
  assert run(export, f"--workdir={trained}", f"--saved_model={tmp_path}/x", "--export_precision=float16") == 0
  types = tf.train.load_checkpoint(tmp_path / "x" / "variables" / "variables").get_variable_to_dtype_map()
  assert tf.float16 in types.values() and tf.float32 not in types.values()


@pytest.mark.parametrize(
  ("argv", "message"),
  [
    ([], "expected either --output or --saved_model, the path to write to"),
    (["--output=a", "--saved_model=b"], "expected either --output or --saved_model, the path to write to"),
    (["--format=keras", "--saved_model=b"], "--format=keras writes a file: name it with --output"),
    (
      ["--format=keras", "--output=b.keras", "--export_precision=float16"],
      "a precision of float16 is for SavedModels and cannot be combined with the format keras",
    ),
    (
      ["--format=tflite", "--output=b.tflite", "--export_precision=float16"],
      "cannot be combined with the format tflite; the format tflite_float16 has weights of 16 bits",
    ),
    (
      ["--controller", "--output=b", "--export_precision=bfloat16"],
      "--export_precision=bfloat16 is for networks; it cannot be combined with --controller",
    ),
    (["--format=keras", "--output=b"], "b: a file of the format keras has a name that ends with .keras"),
  ],
)
def test_flags_that_do_not_fit_are_refused(trained, argv, message):
  assert message in failure(export, f"--workdir={trained}", *argv)


def test_flags_that_do_not_go_with_a_controller_are_refused(trained, tmp_path):
  message = failure(export, f"--workdir={trained}", "--controller", "--format=keras", "--output=x.keras")
  assert "--controller writes a SavedModel; it cannot be combined with --format=keras" in message
  message = failure(export, f"--workdir={trained}", "--controller", f"--output={tmp_path}/x")
  assert "trials.jsonl" in message
