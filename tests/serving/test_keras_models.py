"""Plain Keras models: built, loaded from a training, saved, trained further, and what is refused."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

import nao_tf
from nao_tf.runs.settings import RunDirectoryError
from nao_tf.serving.image_export import answer
from nao_tf.serving.trained_networks import read_trained_network
from nao_tf.spaces.published import CELLS
from nao_tf.tasks.pixels import Pixels
from tests.support.image_cases import GENOTYPE
from tests.support.trainings import train_tiny

TINY = {"num_cells": 1, "filters": 4, "input_shape": (9, 8, 3)}
TEXT = CELLS["NAONet-WS"].text


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
  """The directory of a finished training on digits."""
  return train_tiny(tmp_path_factory.mktemp("runs") / "tiny")


@pytest.fixture(scope="module")
def loaded(trained):
  """The model of that training, for tests that change nothing of it."""
  return nao_tf.load_model(trained)


@pytest.fixture(scope="module")
def published():
  """A published cell with its own convention."""
  return nao_tf.build("NAONet-WS", num_classes=3, **TINY)


def pictures(shape=(8, 8, 1), batch=5):
  return np.random.default_rng(0).integers(0, 17, (batch, *shape), np.uint8)


def weights_of(model):
  return [np.array(value) for value in model.get_weights()]


def test_a_published_cell_brings_its_convention_and_takes_raw_images(published, no_graphs):
  images = np.random.default_rng(0).integers(0, 256, (2, 9, 8, 3), np.uint8)
  answers = published.predict(images, verbose=0)
  np.testing.assert_allclose(answers.sum(-1), 1.0, atol=1e-5)
  np.testing.assert_allclose(published.predict(images.astype(np.float32), verbose=0), answers, atol=1e-6)
  assert not published.get_layer("logits").use_bias and published.name == "naonet_ws"
  assert nao_tf.build("NAONet-WS", num_classes=3, convention="nao", **TINY).get_layer("logits").use_bias


def test_an_architecture_may_be_a_string_a_genotype_or_a_file(tmp_path):
  path = tmp_path / "best.json"
  path.write_text(json.dumps({"genotype": CELLS["NAONet-WS"].genotype.to_json()}))
  models = [nao_tf.build(it, num_classes=3, **TINY) for it in (TEXT, CELLS["NAONet-WS"].genotype, path)]
  for model in models[1:]:
    for first, other in zip(weights_of(models[0]), weights_of(model)):
      np.testing.assert_array_equal(first, other)


def test_the_seed_decides_the_weights():
  first, again, other = (nao_tf.build(GENOTYPE, num_classes=3, seed=seed, **TINY) for seed in (1, 1, 2))
  assert all(map(np.array_equal, weights_of(first), weights_of(again)))
  assert not all(map(np.array_equal, weights_of(first), weights_of(other)))


def test_preprocessing_may_be_left_out_or_of_another_range():
  options = {"num_classes": 3, **TINY}
  images = np.random.default_rng(0).uniform(0, 255, (2, 9, 8, 3)).astype(np.float32)
  raw = nao_tf.build(GENOTYPE, **options)(images)
  unit = nao_tf.build(GENOTYPE, preprocessing=Pixels("float32", 0, 1), **options)(images / 255)
  standardized = tf.image.per_image_standardization(images)
  plain = nao_tf.build(GENOTYPE, preprocessing=False, classifier_activation=None, **options)(standardized)
  np.testing.assert_allclose(unit, raw, atol=1e-5)
  np.testing.assert_allclose(tf.nn.softmax(plain), raw, atol=1e-5)


def test_a_trained_network_answers_as_it_did(trained, loaded):
  network = read_trained_network(trained)
  expected = answer(network.network, tf.constant(pictures()), network.task.pixels)["probabilities"]
  np.testing.assert_allclose(loaded.predict(pictures(), verbose=0), expected, atol=1e-5)


def test_a_loaded_model_is_compiled_and_trained_further(trained, no_graphs):
  model, task = nao_tf.load_model(trained), nao_tf.make_task("digits")
  images, labels = next(task.raw_batches("valid", 64).as_numpy_iterator())
  assert set(model.evaluate(images, labels, verbose=0, return_dict=True)) == {"loss", "accuracy"}
  losses = model.fit(images, labels, epochs=3, verbose=0).history["loss"]
  assert losses[-1] < losses[0]


PROGRAM = """
import sys
import numpy as np
import tensorflow as tf
model = tf.keras.models.load_model(sys.argv[1])
np.save(sys.argv[3], model.predict(np.load(sys.argv[2]), verbose=0))
sys.exit(any(name.startswith("nao_tf") for name in sys.modules))
"""


def test_a_saved_model_is_loaded_in_a_process_without_this_package(loaded, tmp_path):
  loaded.save(tmp_path / "x.keras")
  np.save(tmp_path / "images.npy", pictures())
  paths = [str(tmp_path / name) for name in ("x.keras", "images.npy", "answers.npy")]
  subprocess.run([sys.executable, "-c", PROGRAM, *paths], cwd=tmp_path, check=True, capture_output=True)
  np.testing.assert_allclose(np.load(tmp_path / "answers.npy"), loaded.predict(pictures(), verbose=0), atol=1e-6)


def test_weights_of_a_training_may_get_another_top_and_another_size(trained, loaded):
  options = {"weights": trained, "preprocessing": True}
  same = nao_tf.build(GENOTYPE, num_classes=10, input_shape=(8, 8, 1), **options)
  np.testing.assert_allclose(same(pictures()), loaded(pictures()), atol=1e-6)
  features = nao_tf.build(GENOTYPE, input_shape=(12, 12, 1), include_top=False, pooling="avg", **options)
  kernels = [model.get_layer("stem-first-conv").get_weights()[0] for model in (same, features)]
  np.testing.assert_array_equal(*kernels)
  assert features.output_shape == (None, 16)


@pytest.mark.parametrize(
  ("changes", "message"),
  [
    ({"filters": 8}, "were trained with filters 4, got 8"),
    ({"num_classes": 3}, "were trained with num_classes 10, got 3"),
    ({"input_shape": (8, 8, 3)}, "were trained with channels of input_shape 1, got 3"),
    ({"architecture": "NAONet-B"}, "were trained for another architecture, {'normal': .*, got NAONet-B"),
    ({"architecture": "ENAS-RNN"}, "expected the training of a language model, not of digits"),
  ],
)
def test_weights_of_another_network_are_refused(trained, changes, message):
  arguments = {"architecture": GENOTYPE, "num_classes": 10, "input_shape": (8, 8, 1), "weights": trained, **changes}
  if changes.get("architecture") == "ENAS-RNN":
    arguments = {"architecture": "ENAS-RNN", "weights": trained}
  with pytest.raises(ValueError, match=f"{trained}: {message}"):
    nao_tf.build(**arguments)


@pytest.mark.parametrize(
  ("architecture", "changes", "message"),
  [
    (
      "NAONet-C",
      {},
      "'NAONet-C' is not a published name .did you mean .*NAONet-A.* not the path of a .json file and not a string",
    ),
    (GENOTYPE, {"input_shape": None}, "build needs input_shape for an image network"),
    (GENOTYPE, {"drop_path_keep": 0.5}, "drop_path_keep need training_graph=True"),
    (GENOTYPE, {"num_classes": None}, "build needs num_classes, or include_top=False"),
    (GENOTYPE, {"convention": "mine"}, "convention must be one of nao, .* got 'mine'"),
    (None, {}, "architecture must be a published name, .* or a genotype, got None"),
    (GENOTYPE, {"num_classes": "ten"}, "expected an integer of at least 1 for 'num_classes', got 'ten'"),
    (GENOTYPE, {"num_classes": 2.5}, "expected an integer of at least 1 for 'num_classes', got 2.5"),
    (GENOTYPE, {"input_shape": 32}, "input_shape must be height, width and channels, each at least 1, got 32"),
    (GENOTYPE, {"include_top": "no"}, "expected true or false for 'include_top', got 'no'"),
    (GENOTYPE, {"preprocessing": "yes"}, "preprocessing must be True, False or a Pixels, got 'yes'"),
    (GENOTYPE, {"filters": "many"}, "filters must be an integer, got 'many'"),
    (GENOTYPE, {"seed": -1}, "expected an integer of at least 0 for 'seed', got -1"),
    (GENOTYPE, {"dropout": 1.0}, "dropout must be in \\[0, 1\\), got 1.0"),
    (
      GENOTYPE,
      {"input_shape": (9, 8)},
      "input_shape must be height, width and channels, each at least 1, got \\(9, 8\\)",
    ),
  ],
)
def test_wrong_arguments_are_refused(architecture, changes, message):
  with pytest.raises(ValueError, match=message):
    nao_tf.build(architecture, **{"num_classes": 3, **TINY, **changes})


def test_a_recurrent_genotype_is_refused_for_images_and_one_of_images_for_text(tmp_path):
  path = tmp_path / "rnn.json"
  path.write_text(json.dumps({"lstm": []}))
  message = (
    "expected the genotype of an image network, got a LstmGenotype; it has no input_shape, num_classes, num_cells"
  )
  with pytest.raises(ValueError, match=message):
    nao_tf.build(path, num_classes=3, **TINY)
  message = "NAONet-WS: expected the genotype of a language model, got a CellGenotype; it has no vocabulary_size, units"
  with pytest.raises(ValueError, match=message):
    nao_tf.build("NAONet-WS", vocabulary_size=3, units=4)


def test_a_training_graph_has_drop_path_and_an_auxiliary_output_and_is_saved_and_trained(tmp_path, no_graphs):
  schedule = {"drop_path_keep": 0.5, "drop_path_steps": 4}
  model = nao_tf.build(GENOTYPE, num_classes=3, training_graph=True, dropout=0.1, **schedule, **TINY)
  images, labels = np.random.default_rng(0).integers(0, 256, (4, 9, 8, 3), np.uint8), np.arange(4) % 3
  plain = nao_tf.build(GENOTYPE, num_classes=3, **TINY)
  probabilities, auxiliary = model(images)
  np.testing.assert_allclose(probabilities, plain(images), atol=1e-6)
  np.testing.assert_allclose(np.sum(auxiliary, -1), 1.0, atol=1e-5)
  loss = "sparse_categorical_crossentropy"
  model.compile("sgd", loss=[loss, loss], loss_weights=[1.0, 0.4])
  model.fit(images, [labels, labels], batch_size=2, epochs=1, verbose=0)
  model.save(tmp_path / "x.keras")
  loaded = nao_tf.load_model(tmp_path / "x.keras")
  for found, expected in zip(loaded(images), model(images)):
    np.testing.assert_allclose(found, expected, atol=1e-6)
  assert loaded.get_layer("drop_path").count == 2
  classifier = keras.Model(loaded.input, loaded.get_layer("probabilities").output)
  np.testing.assert_allclose(classifier(images), loaded(images)[0], atol=1e-6)


def test_the_training_graph_of_a_training_without_these_parts_has_none(trained, loaded):
  options = {"num_classes": 10, "input_shape": (8, 8, 1), "weights": trained, "training_graph": True}
  np.testing.assert_allclose(nao_tf.build(GENOTYPE, **options)(pictures()), loaded(pictures()), atol=1e-6)
  model = nao_tf.build(GENOTYPE, drop_path_keep=0.5, **options)
  assert model.get_layer("drop_path").steps == 0


def test_another_directory_is_refused(tmp_path):
  with pytest.raises(RunDirectoryError, match=f"{tmp_path}: no config.json here"):
    nao_tf.load_model(tmp_path)


def test_a_directory_without_a_record_of_its_task_needs_the_task(trained, loaded, tmp_path):
  directory = shutil.copytree(trained, tmp_path / "old")
  (directory / "task.json").unlink()
  with pytest.raises(ValueError, match="does not record its task"):
    nao_tf.load_model(directory)
  model = nao_tf.load_model(directory, task=nao_tf.make_task("digits"))
  np.testing.assert_allclose(model(pictures()), loaded(pictures()), atol=1e-6)
