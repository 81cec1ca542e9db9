import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from nao_tf.networks.image_network import image_network
from nao_tf.tasks import image_classification, make_task
from nao_tf.tasks.classification import cross_entropy
from nao_tf.tasks.image_sources import DigitsSource
from nao_tf.training.config import TrainingConfig
from tests.support.image_cases import GENOTYPE, NETWORK
from tests.support.real_data import data_path

CONFIG = TrainingConfig(epochs=2, batch_size=128)


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


def test_cifar10_holds_out_the_last_tenth():
  task = make_task("cifar10", data_dir=data_path("tfds"), train_examples=1000)
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
  with pytest.raises(ValueError, match="only the last images can be held out"):
    make_task("cifar10", data_dir=data_path("tfds"), hold_out="stratified").num_examples("train")


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
