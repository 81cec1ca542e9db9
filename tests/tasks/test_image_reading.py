import numpy as np
import pytest

from nao_tf.tasks.image_classification import ImageClassification
from nao_tf.tasks.image_sources import DigitsSource
from nao_tf.tasks.pixels import Pixels
from nao_tf.training.config import TrainingConfig
from tests.support.array_source import ArraySource, StreamedArrays, array_task
from tests.support.tfds_sets import random_images

CONFIG = TrainingConfig(epochs=2, batch_size=128)


class RecordingSource(DigitsSource):
  """Digits that remember which splits were read."""

  def __init__(self):
    self.read = []

  def load(self, split):
    self.read.append(split)
    return super().load(split)


def test_test_images_are_not_read_before_they_are_asked_for():
  source = RecordingSource()
  task = ImageClassification("digits", source)
  assert source.read == []
  next(iter(task.training_batches(CONFIG, seed=0)))
  next(iter(task.evaluation_batches("valid", 10)))
  assert source.read == ["train"]
  assert task.num_examples("test") == 360
  assert source.read == ["train", "test"]


@pytest.mark.parametrize(
  "train, options, message",
  [
    ((random_images(0), np.zeros(0, int)), {}, "arrays: has no images to train on"),
    ((random_images(1), np.zeros(1, int)), {"validation_fraction": 0.9}, "leaves no image to train on"),
    ((random_images(3), np.array([0, -1, 1])), {}, "arrays, train: example 1 has the label -1"),
    ((random_images(3), np.array([1, 2, 1])), {}, "arrays, train: example 1 has the label 2, but the 2 classes"),
    ((random_images(3), np.array([0, 1])), {}, "got 3 images and 2 labels"),
    ((random_images(3, dtype="float32") * np.nan, np.array([0, 1, 1])), {}, "arrays, train: image 0 has a pixel"),
  ],
)
def test_training_images_that_cannot_be_learned_from_are_refused(train, options, message):
  with pytest.raises(ValueError, match=message):
    array_task(train, num_classes=2, **options).num_examples("train")


def test_test_images_of_another_type_are_refused():
  train, test = (random_images(4, dtype=dtype) for dtype in ("uint8", "float32"))
  labels = np.arange(4) % 2
  with pytest.raises(ValueError, match="expected images that are uint8 in 0..255, but its test images are float32"):
    array_task((train, labels), (test, labels)).num_examples("test")


class SignedFloats(ArraySource):
  """Floats from -1 to 1."""

  pixels = Pixels("float32", -1.0, 1.0)


def test_a_source_may_say_what_its_numbers_mean():
  images, labels = random_images(4, dtype="float32", low=-0.5, high=0.5), np.arange(4) % 2
  assert ImageClassification("arrays", SignedFloats((images, labels))).pixels.low == -1
  with pytest.raises(ValueError, match="expected images that are float32 in -1..1, but its train images are uint8"):
    ImageClassification("arrays", SignedFloats((random_images(4), labels))).num_examples("train")


def test_the_range_of_a_stream_of_floats_is_measured_and_its_pixels_are_checked():
  images = random_images(300, dtype="float32", low=-2, high=2)
  task = ImageClassification("arrays", StreamedArrays((images, np.arange(300) % 2)))
  assert task.pixels == Pixels("float32", float(images.min()), float(images.max()))
  images[277] = np.nan
  task = ImageClassification("arrays", StreamedArrays((images, np.arange(300) % 2)))
  with pytest.raises(ValueError, match="arrays, train: image 277 has a pixel that is NaN or infinite"):
    next(iter(task.training_batches(CONFIG, seed=0)))


class HugeDigits(DigitsSource):
  """Digits that are said to be too many for memory."""

  num_bytes = 2**40


def test_a_set_too_large_for_memory_that_cannot_be_streamed_is_refused():
  with pytest.raises(ValueError, match=f"huge: its {2**40} bytes do not fit into memory, and it cannot be streamed"):
    ImageClassification("huge", HugeDigits()).num_examples("train")
