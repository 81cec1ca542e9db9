import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings, strategies

from nao_tf.networks.image_network import image_network
from nao_tf.tasks import image_classification, make_task
from nao_tf.tasks.augmentation import standardize
from nao_tf.tasks.classification import cross_entropy
from nao_tf.tasks.image_sources import DigitsSource
from nao_tf.tasks.pixels import Pixels
from nao_tf.training.config import TrainingConfig
from tests.support.array_source import ArraySource, array_task
from tests.support.image_cases import GENOTYPE, NETWORK
from tests.support.real_data import data_path
from tests.support.tfds_sets import examples, random_images, write_set

CONFIG = TrainingConfig(epochs=2, batch_size=128)


TYPES = {
  "bool": (0, 1),
  "uint8": (0, 255),
  "uint16": (0, 65535),
  "int8": (-128, 127),
  "int16": (-1000, 3000),
  "int32": (0, 70_000),
  "int64": (0, 200),
  "float16": (0, 1),
  "float32": (-3, 3),
  "float64": (0, 255),
}


def raw(task, split):
  """Returns all raw images and classes of a split."""
  images, labels = zip(*((images.numpy(), labels.numpy()) for images, labels in task.raw_batches(split, 64)))
  return np.concatenate(images), np.concatenate(labels)


def arrays(dataset):
  return [tuple(part.numpy() for part in batch) for batch in dataset]


class RecordingSource(DigitsSource):
  """Digits that remember which splits were read."""

  def __init__(self):
    self.read = []

  def load(self, split):
    self.read.append(split)
    return super().load(split)


def test_test_images_are_not_read_before_they_are_asked_for():
  source = RecordingSource()
  task = image_classification.ImageClassification("digits", source)
  assert source.read == []
  next(iter(task.training_batches(CONFIG, seed=0)))
  next(iter(task.evaluation_batches("valid", 10)))
  assert source.read == ["train"]
  assert task.num_examples("test") == 360
  assert source.read == ["train", "test"]


@settings(max_examples=25, deadline=None, derandomize=True)
@given(data=strategies.data())
def test_a_network_sees_the_scaled_images_of_each_class_in_proportion(data):
  dtype = data.draw(strategies.sampled_from(sorted(TYPES)))
  shape = data.draw(strategies.tuples(*[strategies.integers(1, 5)] * 2, strategies.sampled_from([1, 3, 4])))
  sizes = data.draw(strategies.lists(strategies.integers(1, 12), min_size=2, max_size=8))
  labels = data.draw(strategies.permutations(np.repeat(np.arange(len(sizes)), sizes)).map(np.array))
  low, high = TYPES[dtype]
  images = random_images(len(labels), shape, dtype, low=low, high=high)
  images[0].flat[0] = low
  images[-1].flat[-1] = high
  task = array_task((images, labels), (images, labels), num_classes=len(sizes), validation_fraction=0.25)
  scaled = (np.asarray(images, np.float64) - task.pixels.low) * 255 / (task.pixels.high - task.pixels.low)
  expected = {split: standardize(tf.constant(scaled[index])) for split, index in indices(task, images).items()}
  for split, standardized in expected.items():
    ((found, _, _),) = arrays(task.evaluation_batches(split, max(1, len(standardized)))) or [(standardized, 0, 0)]
    np.testing.assert_allclose(found, standardized, atol=2e-2)
  config = TrainingConfig(epochs=1, batch_size=len(expected["train"]), crop_padding=0, flip=False)
  ((trained, classes),) = arrays(task.training_batches(config, seed=1))
  np.testing.assert_allclose(np.sort(trained, axis=None), np.sort(expected["train"], axis=None), atol=2e-2)
  share = len(classes) / len(labels)
  assert (np.abs(np.bincount(classes, minlength=len(sizes)) - share * np.array(sizes)) < 1 + 1e-9).all()


def indices(task, images):
  """Returns which images are in each split, if each image is there once; without test images."""
  numbers = {image.tobytes(): number for number, image in enumerate(images.astype(raw(task, "train")[0].dtype))}
  return {
    split: [numbers[image.tobytes()] for image in raw(task, split)[0]]
    for split in ("train", "valid")
    if task.num_examples(split)
  }


def test_a_set_in_the_order_of_its_classes_is_divided_alike():
  labels = np.repeat(np.arange(5), 20)
  task = array_task((random_images(100), labels), train_examples=50)
  np.testing.assert_array_equal(np.bincount(raw(task, "valid")[1]), [2] * 5)
  np.testing.assert_array_equal(np.bincount(raw(task, "train")[1]), [10] * 5)


def test_the_split_of_earlier_versions_can_be_had():
  labels = np.repeat(np.arange(5), 20)
  task = array_task((random_images(100), labels))
  task.use_earlier_split()
  np.testing.assert_array_equal(raw(task, "valid")[1], labels[90:])


def test_the_log_says_how_images_were_divided_and_which_classes_are_missing(caplog):
  labels = np.repeat(np.arange(3), [40, 40, 1])
  with caplog.at_level("INFO", logger="absl"):
    array_task((random_images(81), labels)).num_examples("train")
  assert "arrays: 73 images to train on, 8 held out (stratified)" in caplog.text
  assert "arrays: classes without an image held out: 1, such as class 2" in caplog.text


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


def test_a_single_class_is_refused():
  with pytest.raises(ValueError, match="arrays: expected at least two classes, got 'class 0'"):
    array_task((random_images(3), np.zeros(3, int)))


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
  assert image_classification.ImageClassification("arrays", SignedFloats((images, labels))).pixels.low == -1
  with pytest.raises(ValueError, match="expected images that are float32 in -1..1, but its train images are uint8"):
    image_classification.ImageClassification("arrays", SignedFloats((random_images(4), labels))).num_examples("train")


def test_a_set_without_test_images_says_so():
  train = random_images(4), np.arange(4) % 2
  assert not array_task(train).has_test_data() and array_task(train).num_examples("test") == 0
  assert array_task(train, train).has_test_data()
  with pytest.raises(ValueError, match="arrays, test: example 0 has the label -1"):
    array_task(train, (train[0], -np.ones(4, int))).has_test_data()


def test_digits_are_divided_into_train_valid_and_test():
  task = make_task("digits")
  assert [task.num_examples(split) for split in ("train", "valid", "test")] == [1150, 287, 360]
  assert task.input_shape == (8, 8, 1) and task.num_outputs == 10


def test_the_validation_set_does_not_depend_on_the_training_subset():
  whole, part = (make_task("digits", train_examples=count) for count in (None, 200))
  assert part.num_examples("train") == 200
  for a, b in zip(arrays(whole.evaluation_batches("valid", 287)), arrays(part.evaluation_batches("valid", 287))):
    np.testing.assert_array_equal(a[0], b[0])


def test_without_a_held_out_part_all_is_for_training():
  task = make_task("digits", validation_fraction=0.0)
  assert (task.num_examples("train"), task.num_examples("valid")) == (1437, 0)


def test_every_example_is_trained_on_once_in_an_epoch_and_in_another_order_in_the_next():
  task = make_task("digits")
  config = dataclasses.replace(CONFIG, batch_size=115, crop_padding=0)
  batches = arrays(task.training_batches(config, seed=1))
  epochs = [np.concatenate([images for images, _ in part]) for part in (batches[:10], batches[10:])]
  assert len(batches) == 20
  assert len(np.unique(epochs[0].reshape(1150, -1), axis=0)) == 1150
  np.testing.assert_allclose(epochs[0].sum(0), epochs[1].sum(0), atol=1e-3)
  assert (epochs[0] != epochs[1]).any()


def test_training_batches_are_a_function_of_seed_epoch_and_step():
  task = make_task("digits")
  config = dataclasses.replace(CONFIG, cutout_size=3)
  whole, again, other = (arrays(task.training_batches(config, seed=seed)) for seed in (1, 1, 2))
  resumed = arrays(task.training_batches(config, seed=1, first_epoch=1))
  assert len(whole) == 2 * task.steps_per_epoch(config) == 16
  for expected, actual in [*zip(whole, again, strict=True), *zip(whole[8:], resumed, strict=True)]:
    np.testing.assert_array_equal(expected[0], actual[0])
    np.testing.assert_array_equal(expected[1], actual[1])
  assert (whole[0][0] != other[0][0]).any()


@pytest.mark.parametrize("batch_size", [100, 287, 400])
def test_evaluation_counts_every_example_once(batch_size):
  batches = arrays(make_task("digits").evaluation_batches("valid", batch_size))
  assert {len(part) for batch in batches for part in batch} == {batch_size}
  assert sum(weights.sum() for _, _, weights in batches) == 287


def test_a_training_config_is_completed_by_the_task_but_not_overruled():
  task = make_task("digits")
  complete = task.complete_training_config(CONFIG)
  assert (complete.flip, complete.crop_padding) == (False, 1)
  explicit = dataclasses.replace(CONFIG, flip=True, crop_padding=0)
  assert task.complete_training_config(explicit) == explicit


@pytest.mark.parametrize(
  "options, message",
  [
    ({"validation_fraction": 1.0}, r"validation_fraction must be in \[0, 1\), got 1.0"),
    ({"hold_out": "first"}, "unknown hold_out 'first'; expected one of last"),
    ({"train_examples": 0}, "train_examples must be at least 1"),
  ],
)
def test_wrong_options_are_refused(options, message):
  with pytest.raises(ValueError, match=message):
    make_task("digits", **options)


def test_more_training_examples_than_there_are_are_refused():
  with pytest.raises(ValueError, match="train_examples is 5000, but there are only 1150"):
    make_task("digits", train_examples=5000).num_examples("train")


def test_an_unknown_split_and_too_large_a_batch_are_refused():
  task = make_task("digits")
  with pytest.raises(ValueError, match="unknown split 'dev'; expected one of train, valid, test"):
    task.num_examples("dev")
  with pytest.raises(ValueError, match="a batch of 2000 is more than the 1150 training examples"):
    task.steps_per_epoch(dataclasses.replace(CONFIG, batch_size=2000))


def test_cifar10_holds_out_a_tenth_of_each_class_or_the_last_tenth():
  task = make_task("cifar10", data_dir=data_path("tfds"), train_examples=1000)
  for split, count in (("train", 100), ("valid", 500)):
    labels = np.concatenate([labels for _, labels in task.raw_batches(split, 500)])
    np.testing.assert_array_equal(np.bincount(labels), [count] * 10)
  task = make_task("cifar10", data_dir=data_path("tfds"), train_examples=1000, hold_out="last")
  assert (task.num_examples("train"), task.num_examples("valid")) == (1000, 5000)
  assert task.input_shape == (32, 32, 3) and task.labels[:2] == ("airplane", "automobile")
  images, labels = next(iter(task.training_batches(CONFIG, seed=0)))
  assert images.shape == (128, 32, 32, 3) and images.dtype == tf.float32 and labels.dtype == tf.int32
  images, labels, weights = next(iter(task.evaluation_batches("valid", 500)))
  np.testing.assert_allclose(tf.reduce_mean(images, (1, 2, 3)), 0, atol=1e-4)
  assert weights.shape == (500,)


@pytest.mark.parametrize("global_seed", [0, 1])
def test_a_set_too_large_for_memory_is_streamed(monkeypatch, global_seed):
  tf.random.set_seed(global_seed)  # As the binaries do it.
  monkeypatch.setattr(image_classification, "IN_MEMORY_BYTES", 0)
  task = make_task("cifar10", data_dir=data_path("tfds"), train_examples=600, validation_fraction=0.01, image_size=8)
  assert (task.num_examples("train"), task.num_examples("valid")) == (600, 500)
  whole, resumed = (arrays(task.training_batches(CONFIG, seed=1, first_epoch=first)) for first in (0, 1))
  assert len(whole) == 8 and whole[0][0].shape == (128, 8, 8, 3)
  for expected, actual in zip(whole[4:], resumed, strict=True):
    np.testing.assert_array_equal(expected[0], actual[0])
  assert sum(weights.sum() for _, _, weights in arrays(task.evaluation_batches("valid", 300))) == 500


def test_a_streamed_set_holds_out_a_share_of_each_class(monkeypatch, tmp_path):
  images, labels = random_images(60), np.repeat(np.arange(3), 20)
  directory = write_set(tmp_path, "in_order", {"train": examples(images, labels), "test": examples(images, labels)})
  in_memory = make_task("in_order", data_dir=directory, train_examples=30)
  expected = {split: raw(in_memory, split) for split in ("train", "valid", "test")}
  monkeypatch.setattr(image_classification, "IN_MEMORY_BYTES", 0)
  task = make_task("in_order", data_dir=directory, train_examples=30)
  for split, (pictures, classes) in expected.items():
    streamed = raw(task, split)
    np.testing.assert_array_equal(np.bincount(streamed[1]), np.bincount(classes))
    if split != "train":  # The same part of a class, of which a stream takes the first and an array any.
      np.testing.assert_array_equal(np.sort(streamed[0].sum((1, 2, 3))), np.sort(pictures.sum((1, 2, 3))))
  np.testing.assert_array_equal(np.bincount(expected["valid"][1]), [2, 2, 2])
  np.testing.assert_array_equal(np.bincount(expected["train"][1]), [10, 10, 10])


class StreamedArrays(ArraySource):
  """Arrays that are said to be too many for memory, and come as a stream that cannot be chosen from."""

  num_bytes = property(lambda self: 2**40, lambda self, value: None)

  def num_examples(self, split):
    return len(self.splits[split][1])

  def stream(self, split, first=0, last=None):
    return tf.data.Dataset.from_tensor_slices(tuple(array[first:last] for array in self.splits[split]))


def test_a_stream_that_cannot_be_chosen_from_holds_out_the_last_images_and_says_so(caplog):
  source = StreamedArrays((random_images(20), np.arange(20) % 2))
  with caplog.at_level("WARNING"):
    task = image_classification.ImageClassification("arrays", source)
    np.testing.assert_array_equal(raw(task, "valid")[1], [0, 1])
  assert "arrays: its classes are not known before they are read, so the last images are held out" in caplog.text
  with pytest.raises(ValueError, match="only the last images can be held out"):
    image_classification.ImageClassification("arrays", source, hold_out="stratified").num_examples("train")


def test_the_range_of_a_stream_of_floats_is_measured_and_its_pixels_are_checked():
  images = random_images(300, dtype="float32", low=-2, high=2)
  task = image_classification.ImageClassification("arrays", StreamedArrays((images, np.arange(300) % 2)))
  assert task.pixels == Pixels("float32", float(images.min()), float(images.max()))
  images[277] = np.nan
  task = image_classification.ImageClassification("arrays", StreamedArrays((images, np.arange(300) % 2)))
  with pytest.raises(ValueError, match="arrays, train: image 277 has a pixel that is NaN or infinite"):
    next(iter(task.training_batches(CONFIG, seed=0)))


class HugeDigits(DigitsSource):
  """Digits that are said to be too many for memory."""

  num_bytes = 2**40


def test_a_set_too_large_for_memory_that_cannot_be_streamed_is_refused():
  with pytest.raises(ValueError, match=f"huge: its {2**40} bytes are too many for memory, and it has no stream"):
    image_classification.ImageClassification("huge", HugeDigits()).num_examples("train")


def test_losses_of_the_auxiliary_head_are_added_with_its_weight():
  task = make_task("digits")
  images, labels = next(iter(task.training_batches(CONFIG, seed=0)))
  network = image_network(GENOTYPE, dataclasses.replace(NETWORK, auxiliary=True), image_shape=(8, 8, 1))
  outputs = network(images, training=True, step=0)
  main, auxiliary = (cross_entropy(outputs[name], labels) for name in ("logits", "auxiliary"))
  losses = task.losses(network, images, labels, tf.constant(0), CONFIG)
  np.testing.assert_allclose(losses, main + 0.4 * auxiliary, rtol=1e-5)
