import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings, strategies

from nao_tf.networks.image_network import image_network
from nao_tf.tasks import make_task
from nao_tf.tasks.augmentation import standardize
from nao_tf.tasks.classification import cross_entropy
from nao_tf.training.config import TrainingConfig
from tests.support.array_source import array_task, arrays, raw_arrays
from tests.support.image_cases import GENOTYPE, NETWORK
from tests.support.tfds_sets import random_images

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
  numbers = {image.tobytes(): number for number, image in enumerate(images.astype(raw_arrays(task, "train")[0].dtype))}
  return {
    split: [numbers[image.tobytes()] for image in raw_arrays(task, split)[0]]
    for split in ("train", "valid")
    if task.num_examples(split)
  }


def test_the_split_of_earlier_versions_can_be_had():
  labels = np.repeat(np.arange(5), 20)
  task = array_task((random_images(100), labels))
  task.use_earlier_split()
  np.testing.assert_array_equal(raw_arrays(task, "valid")[1], labels[90:])


def test_a_single_class_is_refused():
  with pytest.raises(ValueError, match="arrays: expected at least two classes, got 'class 0'"):
    array_task((random_images(3), np.zeros(3, int)))


def test_a_set_without_test_images_says_so():
  train = random_images(4), np.arange(4) % 2
  assert not array_task(train).has_test_data() and array_task(train).num_examples("test") == 0
  assert array_task(train, train).has_test_data()
  with pytest.raises(ValueError, match="arrays, test: example 0 has the label -1"):
    array_task(train, (train[0], -np.ones(4, int))).has_test_data()


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


def test_an_unknown_split_and_too_large_a_batch_are_refused():
  task = make_task("digits")
  with pytest.raises(ValueError, match="unknown split 'dev'; expected one of train, valid, test"):
    task.num_examples("dev")
  with pytest.raises(ValueError, match="a batch of 2000 is more than the 1150 training examples"):
    task.steps_per_epoch(dataclasses.replace(CONFIG, batch_size=2000))


def test_losses_of_the_auxiliary_head_are_added_with_its_weight():
  task = make_task("digits")
  images, labels = next(iter(task.training_batches(CONFIG, seed=0)))
  network = image_network(GENOTYPE, dataclasses.replace(NETWORK, auxiliary=True), image_shape=(8, 8, 1))
  outputs = network(images, training=True, step=0)
  main, auxiliary = (cross_entropy(outputs[name], labels) for name in ("logits", "auxiliary"))
  losses = task.losses(network, images, labels, tf.constant(0), CONFIG)
  np.testing.assert_allclose(losses, main + 0.4 * auxiliary, rtol=1e-5)
