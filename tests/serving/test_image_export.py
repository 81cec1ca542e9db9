import functools
import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from nao_tf import serving
from nao_tf.serving import image_export as export
from nao_tf.spaces.genotypes import CellGenotype
from nao_tf.tasks import make_task
from nao_tf.tasks.augmentation import standardize
from nao_tf.tasks.image_classification import ImageClassification
from nao_tf.tasks.image_sources import DigitsSource
from tests.support import one_convolution
from tests.support.image_cases import GENOTYPE, make_trainer
from tests.support.random_weights import randomize

pytestmark = pytest.mark.optimized  # Errors name what they name to users.

IMAGES = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 1)).astype(np.uint8)


@pytest.fixture(scope="module")
def trainer():
  trainer = make_trainer()
  randomize(trainer.network)
  return trainer


@pytest.fixture(scope="module")
def directory(trainer, tmp_path_factory):
  directory = str(tmp_path_factory.mktemp("export") / "runs" / "model")
  serving.export_network(trainer.network, directory, genotype=GENOTYPE, task=trainer.task)
  return directory


def test_an_export_answers_as_the_network_does(trainer, directory):
  exported = export.load_exported(directory)
  logits = trainer.network(standardize(IMAGES), training=False)
  answer = exported(IMAGES)
  np.testing.assert_allclose(answer["logits"], logits, rtol=1e-4, atol=1e-4)
  np.testing.assert_allclose(answer["probabilities"], tf.nn.softmax(logits), atol=1e-5)
  np.testing.assert_array_equal(answer["class"], tf.argmax(logits, -1))


def test_bytes_and_floats_of_any_number_have_the_same_answer(directory):
  exported = export.load_exported(directory)
  whole = exported(IMAGES)["logits"]
  np.testing.assert_array_equal(exported(IMAGES.astype(np.float32))["logits"], whole)
  np.testing.assert_allclose(exported(IMAGES[:1])["logits"], whole[:1], rtol=1e-5, atol=1e-5)


def test_an_export_carries_genotype_and_labels(trainer, directory):
  exported = export.load_exported(directory)
  assert CellGenotype.from_json(exported.genotype) == GENOTYPE
  assert exported.labels == trainer.task.labels
  assert exported.image_shape == (8, 8, 1)
  assert sorted(os.listdir(os.path.join(directory, "assets"))) == ["genotype.json", "labels.txt"]


def test_an_export_holds_the_classifier_alone(trainer, directory):
  names = [name for name, _ in tf.train.list_variables(os.path.join(directory, "variables", "variables"))]
  assert len([name for name in names if name.endswith("VARIABLE_VALUE")]) == len(trainer.network.classifier.variables)
  assert os.listdir(os.path.dirname(directory)) == ["model"]


TYPES = {"serving_default": tf.uint8, "serving_float": tf.float32}

STRANGER = """
import json, sys
import numpy as np, tensorflow as tf
model = tf.saved_model.load(sys.argv[1])
images = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 1)).astype(np.uint8)
answer = model.signatures["serving_default"](tf.constant(images))
assert not any(name.startswith(("nao_tf", "keras")) and "nao_tf" in name for name in sys.modules)
print(json.dumps({name: [value.dtype.name, value.numpy().tolist()] for name, value in answer.items()}))
"""


def test_an_export_loads_where_this_package_is_not(directory, tmp_path):
  environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
  command = [sys.executable, "-c", STRANGER, directory]
  output = subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True).stdout
  answer = json.loads(output.splitlines()[-1])
  expected = export.load_exported(directory)(IMAGES)
  assert {name: kind for name, (kind, _) in answer.items()} == {
    "logits": "float32",
    "probabilities": "float32",
    "class": "int64",
  }
  np.testing.assert_allclose(answer["logits"][1], expected["logits"], rtol=1e-5, atol=1e-5)


def test_the_measure_of_an_export_is_that_of_the_network(trainer, directory):
  metrics = serving.evaluate_exported(directory, trainer.task)
  assert metrics["num_examples"] == 360
  assert metrics["accuracy"] == pytest.approx(trainer.evaluate("test")["accuracy"])
  assert metrics["loss"] == pytest.approx(trainer.evaluate("test")["loss"], rel=1e-4)


def test_answers_that_differ_are_an_error(directory):
  other = make_trainer(seed=8)
  with pytest.raises(export.ExportError, match="logits differ from the network's by"):
    export.compare(other.network, export.load_exported(directory).model, (8, 8, 1))


def test_an_older_export_is_replaced_and_anything_else_is_not(directory, tmp_path):
  task = make_task("digits")
  export_ = functools.partial(
    serving.export_network, one_convolution.make_network(task), genotype=one_convolution.GENOTYPE, task=task
  )
  shutil.copytree(directory, tmp_path / "model")
  (tmp_path / "model" / "assets" / "labels.txt").unlink()
  export_(str(tmp_path / "model"))
  assert os.listdir(tmp_path) == ["model"] and (tmp_path / "model" / "assets" / "labels.txt").exists()
  (tmp_path / "notes").mkdir()
  (tmp_path / "notes" / "diary.txt").write_text("precious")
  with pytest.raises(ValueError, match=r"notes: will not be replaced.*diary.txt"):
    export_(str(tmp_path / "notes"))
  with pytest.raises(ValueError, match="is a file"):
    export_(str(tmp_path / "notes" / "diary.txt"))


def test_what_is_no_export_is_refused(tmp_path):
  with pytest.raises(ValueError, match=r"no saved_model.pb; it is not a directory"):
    export.load_exported(str(tmp_path / "nowhere"))
  (tmp_path / "a.txt").write_text("a")
  with pytest.raises(ValueError, match=r"no saved_model.pb; it holds a.txt"):
    export.load_exported(str(tmp_path))
  (tmp_path / "saved_model.pb").write_bytes(b"no protocol buffer")
  with pytest.raises(ValueError, match="its SavedModel cannot be loaded"):
    export.load_exported(str(tmp_path))
  tf.saved_model.save(tf.Module(), str(tmp_path / "empty"))
  with pytest.raises(ValueError, match="has no signature serving_default, serving_float"):
    export.load_exported(str(tmp_path / "empty"))


class LargerDigits(DigitsSource):
  """Digits that are said to have another shape."""

  image_shape = (9, 9, 1)


def test_images_and_tasks_of_another_shape_are_refused(directory):
  with pytest.raises(ValueError, match=r"expected uint8 or float32 images of the shape \(8, 8, 1\), got int32"):
    export.load_exported(directory)(np.zeros((1, 8, 8, 1), np.int32))
  task = ImageClassification("digits", LargerDigits())
  with pytest.raises(ValueError, match=r"made for images of \(8, 8, 1\) in 10 classes, but digits has \(9, 9, 1\)"):
    serving.evaluate_exported(directory, task)


@pytest.mark.parametrize("name, dtype", TYPES.items())
def test_a_batch_of_no_images_has_no_answers(directory, name, dtype):
  answer = export.load_exported(directory).model.signatures[name](images=tf.zeros([0, 8, 8, 1], dtype))
  shapes = {key: tuple(value.shape) for key, value in answer.items()}
  assert shapes == {"logits": (0, 10), "probabilities": (0, 10), "class": (0,)}


@pytest.mark.parametrize("shape", [(2, 9, 9, 1), (2, 8, 8), (8, 8, 1), (2, 8, 8, 3), ()])
@pytest.mark.parametrize("name, dtype", TYPES.items())
def test_images_of_another_shape_are_an_error_that_says_so(directory, name, dtype, shape):
  exported = export.load_exported(directory)
  with pytest.raises(tf.errors.InvalidArgumentError, match=r"Shape of tensor images .* expected shape \[\?,8,8,1\]"):
    exported.model.signatures[name](images=tf.zeros(shape, dtype))
  with pytest.raises(ValueError, match=r"expected uint8 or float32 images of the shape \(8, 8, 1\), got"):
    exported(tf.zeros(shape, dtype))


class NamedDigits(DigitsSource):
  """Digits whose classes have other names."""

  def __init__(self, first, *others):
    self.labels = (first, *others) if others else (first, *DigitsSource.labels[1:])


NAMES = ("a\u2028b", "a\x85b", "a\x0bb", "a\x1cb\r", "same", "same", "n" * 5000, "ж 猫 🐈", "\\n", "")


def test_classes_may_have_any_name_of_one_line(tmp_path):
  task = ImageClassification("digits", NamedDigits(*NAMES))
  network = one_convolution.make_network(task)
  serving.export_network(network, str(tmp_path / "model"), genotype=one_convolution.GENOTYPE, task=task)
  assert export.load_exported(str(tmp_path / "model")).labels == NAMES
  assert serving.evaluate_exported(str(tmp_path / "model"), task)["num_examples"] == 360
  serving.record_task(str(tmp_path), task)
  assert serving.read_exporter(str(tmp_path)).task.labels == NAMES


@pytest.mark.parametrize("label", ["a\nb", "\n", "\ud800"])
def test_other_names_of_classes_are_refused_before_any_work(tmp_path, label):
  with pytest.raises(export.ExportError, match="expected names of classes that are one line"):
    serving.check_export(str(tmp_path / "model"), ImageClassification("digits", NamedDigits(label)))
  assert os.listdir(tmp_path) == []


def test_classes_of_other_names_are_named(directory):
  with pytest.raises(export.ExportError, match="'0' is 'zero' there"):
    serving.evaluate_exported(directory, ImageClassification("digits", NamedDigits("zero")))


@pytest.mark.parametrize("asset, content", [("genotype.json", b"{"), ("genotype.json", b"[]"), ("labels.txt", b"\xff")])
def test_an_asset_that_cannot_be_read_is_named(directory, tmp_path, asset, content):
  shutil.copytree(directory, tmp_path / "model")
  (tmp_path / "model" / "export.json").unlink()
  (tmp_path / "model" / "assets" / asset).write_bytes(content)
  with pytest.raises(ValueError, match=asset):
    export.load_exported(str(tmp_path / "model"))


def test_signatures_of_the_same_names_and_other_inputs_are_refused(tmp_path):
  module = tf.Module()
  module.f = tf.function(lambda x: {"y": x}, input_signature=[tf.TensorSpec([None], name="x")])
  tf.saved_model.save(module, str(tmp_path / "m"), signatures=dict.fromkeys(export.SIGNATURES, module.f))
  with pytest.raises(ValueError, match="its signature serving_default has no valid images, logits"):
    export.load_exported(str(tmp_path / "m"))


@pytest.mark.parametrize(
  "record",
  [
    "[]",
    "{",
    '{"name": "x"}',
    '{"exporter": "os:system", "name": "x", "description": {}}',
    '{"exporter": "nao_tf.serving.image_export:ImageExporter", "name": "x", "description": {"input_shape": [8]}}',
  ],
)
def test_a_record_of_a_task_that_cannot_be_read_is_named(tmp_path, record):
  (tmp_path / serving.TASK_FILE).write_text(record)
  with pytest.raises(ValueError, match=serving.TASK_FILE):
    serving.read_exporter(str(tmp_path))
