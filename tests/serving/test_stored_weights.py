"""Exports in half precision: float32 in and out, half as large, answers near those of the network."""

import os

import numpy as np
import pytest
import tensorflow as tf

from nao_tf import serving
from nao_tf.networks.language_model import language_model
from nao_tf.serving import image_export, language_export
from nao_tf.serving.export_target import ExportError
from nao_tf.serving.precisions import DISTANCES
from nao_tf.serving.stored_weights import StoredWeights
from nao_tf.spaces.genotypes import LstmGenotype
from nao_tf.tasks import make_task
from nao_tf.tasks.augmentation import standardize
from tests.support import one_convolution
from tests.support.own_task import BrightCorners
from tests.support.toy_text import GENOTYPE as RECURRENT
from tests.support.toy_text import NETWORK, toy_task

HALF = ("float16", "bfloat16")
IMAGES = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 1)).astype(np.uint8)


@pytest.fixture(scope="module")
def task():
  return make_task("digits")


@pytest.fixture(scope="module")
def network(task):
  network = one_convolution.make_network(task)
  for variable in network.classifier.variables:  # As after a training: no gamma is 1, and no mean 0.
    variable.assign(variable + tf.random.stateless_uniform(variable.shape, [1, 2], 0.0, 0.1, variable.dtype))
  return network


def stored_types(directory, num_values):
  """Returns the types of the stored weights, of which there must be that many."""
  reader = tf.train.load_checkpoint(os.path.join(directory, "variables", "variables"))
  types, shapes = reader.get_variable_to_dtype_map(), reader.get_variable_to_shape_map()
  weights = [name for name in types if name.endswith("VARIABLE_VALUE")]
  assert sum(int(np.prod(shapes[name])) for name in weights) == num_values
  return {types[name] for name in weights}


def count(variables):
  return sum(int(np.prod(variable.shape)) for variable in variables)


@pytest.mark.parametrize("precision", HALF)
def test_images_are_answered_as_by_the_network_with_half_the_bytes(task, network, tmp_path, precision):
  directory = str(tmp_path / "model")
  serving.export_network(network, directory, genotype=one_convolution.GENOTYPE, task=task, precision=precision)
  assert stored_types(directory, count(network.classifier.variables)) == {tf.as_dtype(precision)}
  exported = image_export.load_exported(directory)
  logits = network(standardize(IMAGES), training=False).numpy()
  for images in (IMAGES, IMAGES.astype(np.float32)):
    answer = exported(images)["logits"]
    assert answer.dtype == tf.float32
    gap = np.abs(answer - logits).max()
    assert 0 < gap < DISTANCES[precision] * max(1.0, np.abs(logits).max())
  assert exported(IMAGES[:0])["class"].shape == (0,)


@pytest.mark.parametrize(("genotype", "precision"), [(RECURRENT, "bfloat16"), (LstmGenotype(), "float16")])
def test_texts_are_scored_and_continued_as_by_the_network(tmp_path, genotype, precision):
  task, directory = toy_task(), str(tmp_path / "model")
  network = language_model(genotype, NETWORK, vocabulary_size=len(task.vocabulary), seed=3)
  serving.export_network(network, directory, genotype=genotype, task=task, precision=precision)
  assert stored_types(directory, count(network.weights)) == {tf.as_dtype(precision)}
  loaded = language_export.load_exported(directory)
  answer = loaded.signatures["continue"](word=tf.constant(["a"]), state=tf.zeros([1, network.num_state_units]))
  logits, state = network(task.vocabulary.encode(["a"])[None, :1], training=False)
  assert answer["state"].dtype == answer["log_probabilities"].dtype == tf.float32
  np.testing.assert_allclose(answer["state"], state, atol=0.01)
  np.testing.assert_allclose(answer["log_probabilities"], tf.nn.log_softmax(logits[:, 0]), atol=0.01)
  assert serving.evaluate_exported(directory, task, "test")["perplexity"] > 1


def test_a_weight_that_is_too_large_is_refused():
  with pytest.raises(ExportError, match="weights of large.* are too large for float16"):
    StoredWeights([tf.Variable([1.0, 1e5], name="large")], "float16")
  (stored,) = StoredWeights([tf.Variable([1.0, 1e5], name="large")], "bfloat16").variables
  np.testing.assert_allclose(tf.cast(stored, tf.float32), [1.0, 1e5], rtol=0.01)


def test_an_unknown_precision_and_an_exporter_without_precisions_are_refused_before_any_work(tmp_path, monkeypatch):
  with pytest.raises(ValueError, match="unknown precision 'int4'; networks for .* are exported as float32, bfloat16"):
    serving.check_export(str(tmp_path / "x"), toy_task(), "int4")
  own = {**serving.EXPORTERS, "tests.support.own_task:BrightCorners": "builtins:id"}
  monkeypatch.setattr(serving, "EXPORTERS", own)
  with pytest.raises(ValueError, match="unknown precision 'float16'; networks for corners are exported as float32$"):
    serving.check_export(str(tmp_path / "x"), BrightCorners("corners"), "float16")
