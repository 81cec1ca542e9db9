"""Files for Keras and TensorFlow Lite: their answers, their measurements, and what is refused."""

import functools

import numpy as np
import pytest
import tensorflow as tf

from nao_tf.serving.export_target import ExportError
from nao_tf.serving.model_files import FORMATS, check_file, write_model_file
from nao_tf.serving.plain_image_models import image_model_of
from nao_tf.serving.trained_image_files import export_file, random_images, some_images, training_images
from nao_tf.serving.trained_networks import read_trained_network
from nao_tf.tasks import make_task
from tests.support.trainings import train_tiny

LARGEST_DIFFERENCE = {"keras": 1e-5, "tflite": 0.02, "tflite_int8": 0.05, "tflite_float16": 0.005}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
  return read_trained_network(train_tiny(tmp_path_factory.mktemp("runs") / "tiny"))


@pytest.fixture(scope="module")
def exported(trained, tmp_path_factory):
  """Returns the file of a format, alone in its directory, and what was measured on it, making each only once."""

  @functools.cache
  def export(name):
    path, task = tmp_path_factory.mktemp(name) / f"digits{FORMATS[name].suffix}", make_task("digits")
    return path, export_file(trained, str(path), name, some_images(task), training_images(task))

  return export


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_answers_as_the_network_does(exported, name):
  images = some_images(make_task("digits"))
  path, measured = exported(name)
  assert measured.difference <= LARGEST_DIFFERENCE[name] and measured.num_images == len(images)
  assert measured.agreement == 1.0 or name != "keras"
  assert measured.num_bytes == path.stat().st_size and measured.one_ms > 0 and measured.batch_ms > 0
  assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_random_images_are_of_the_type_and_range_of_the_training(trained):
  images = random_images(trained.task)
  assert images.dtype == trained.task.pixels.dtype and images.shape == (100, 8, 8, 1)
  assert trained.task.pixels.low <= images.min() and images.max() <= trained.task.pixels.high


def test_a_file_with_other_answers_is_not_left_behind(trained, tmp_path):
  path, images = tmp_path / "x.keras", random_images(trained.task)
  path.write_text("older")
  with pytest.raises(ExportError, match="x.keras: its probabilities differ from those of the network by"):
    write_model_file(image_model_of(trained), str(path), "keras", images=images, expected=np.zeros((100, 10)))
  assert path.read_text() == "older" and len(list(tmp_path.iterdir())) == 1


def test_computing_in_8_bits_needs_training_images(trained, tmp_path):
  with pytest.raises(ValueError, match="the format tflite_int8 needs training images"):
    export_file(trained, str(tmp_path / "x.tflite"), "tflite_int8", random_images(trained.task))


def test_a_model_that_computes_in_8_bits_takes_bytes_and_standardizes_them_in_floats(exported):
  interpreter = tf.lite.Interpreter(model_content=exported("tflite_int8")[0].read_bytes())
  (entry,), (end,) = interpreter.get_input_details(), interpreter.get_output_details()
  assert entry["dtype"] == np.uint8 and entry["quantization"] == (0.0, 0), "bytes are taken as they are"
  assert end["dtype"] == np.float32
  types = {
    detail["name"]: detail["dtype"] for detail in interpreter.get_tensor_details() if "pixels-" in detail["name"]
  }
  assert np.float32 in types.values()
  integers = [name for name, dtype in types.items() if dtype == np.int8]
  assert len(integers) == 1 and "pixels-restore" in integers[0], "only its result is quantized"
  names = [detail["name"] for detail in interpreter.get_tensor_details() if detail["dtype"] == np.int8]
  assert any("logits" in name for name in names) and any("cell_4" in name for name in names)


@pytest.mark.parametrize(
  ("path", "name", "error", "message"),
  [
    ("x.h5", "keras", ValueError, "x.h5: a file of the format keras has a name that ends with .keras"),
    ("x.keras", "onnx", ValueError, "unknown format 'onnx'; expected one of keras, tflite, tflite_int8"),
    ("made.keras", "keras", IsADirectoryError, "made.keras: is a directory; expected the path of a file"),
  ],
)
def test_a_place_is_checked_before_any_work(tmp_path, path, name, error, message):
  (tmp_path / "made.keras").mkdir()
  with pytest.raises(error, match=message):
    check_file(str(tmp_path / path), name)
