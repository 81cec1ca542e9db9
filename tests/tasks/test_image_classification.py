import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from nao_tf.tasks import TASKS, augmentation, image_classification, make_task, splits
from nao_tf.tasks.image_sources import DigitsSource
from nao_tf.training.config import TrainingConfig
from tests.support.real_data import data_path

CONFIG = TrainingConfig(epochs=2, batch_size=128)


def arrays(dataset):
  return [tuple(part.numpy() for part in batch) for batch in dataset]


def random_images(count, size=6, channels=2):
  return np.random.default_rng(0).integers(1, 256, (count, size, size, channels)).astype(np.uint8)


def test_a_centred_crop_is_the_image():
  images = random_images(3)
  cropped = augmentation.crop_flip(images, tf.fill([3, 2], 4), tf.zeros(3, tf.bool), 4)
  np.testing.assert_array_equal(cropped, images)


def test_a_crop_moves_the_image_and_fills_with_zeros():
  images = random_images(2)
  cropped = augmentation.crop_flip(images, tf.constant([[0, 1], [3, 2]]), tf.zeros(2, tf.bool), 2).numpy()
  np.testing.assert_array_equal(cropped[0, 2:, 1:], images[0, :4, :5])
  assert not cropped[0, :2].any() and not cropped[0, :, :1].any()
  np.testing.assert_array_equal(cropped[1, :5], images[1, 1:])
  assert not cropped[1, 5:].any()


def test_a_flip_mirrors_the_cropped_window():
  images = random_images(2)
  offsets = tf.constant([[0, 1], [0, 1]])
  plain = augmentation.crop_flip(images, offsets, tf.zeros(2, tf.bool), 2)
  flipped = augmentation.crop_flip(images, offsets, tf.constant([True, False]), 2)
  np.testing.assert_array_equal(flipped[0], plain[0, :, ::-1])
  np.testing.assert_array_equal(flipped[1], plain[1])


def test_erasing_sets_a_square_to_zero_and_nothing_else():
  images = random_images(2).astype(np.float32)
  expected = images.copy()
  expected[0, 1:4, 2:5] = 0
  expected[1, :2, 4:] = 0
  np.testing.assert_array_equal(augmentation.erase(images, tf.constant([[1, 2], [-1, 4]]), 3), expected)


@pytest.mark.parametrize("convention, highest", [("corner", 0), ("center", -8)])
def test_cutout_draws_corner_or_center_uniformly_from_the_image(convention, highest):
  images = tf.ones([4000, 32, 32, 1])
  erased = augmentation.random_cutout(images, [1, 2], size=16, convention=convention).numpy()[..., 0] == 0
  areas = erased.sum((1, 2))
  # A side is 16 pixels, less what is cut off: at one border, or at two.
  sides = [min(32, place + 16) - max(0, place) for place in range(highest, highest + 32)]
  mean, deviation = np.mean(sides) ** 2, np.std(np.outer(sides, sides))
  assert abs(areas.mean() - mean) < 5 * deviation / np.sqrt(4000)


def test_augmentation_is_a_function_of_its_seed():
  images = random_images(64)
  draws = [
    augmentation.random_crop_flip(images, seed, padding=2, flip=True).numpy() for seed in ([1, 2], [1, 2], [1, 3])
  ]
  np.testing.assert_array_equal(draws[0], draws[1])
  assert (draws[0] != draws[2]).any()


def test_standardized_images_have_zero_mean_and_unit_variance():
  images = augmentation.standardize(random_images(3)).numpy()
  np.testing.assert_allclose(images.mean((1, 2, 3)), 0, atol=1e-6)
  np.testing.assert_allclose(images.std((1, 2, 3)), 1, atol=1e-5)


@pytest.mark.parametrize("how", splits.HOLD_OUTS)
def test_hold_out_divides_all_examples(how):
  labels = np.repeat(np.arange(4), 50)
  train, valid = splits.hold_out(labels, 0.2, how=how, seed=1)
  assert len(valid) == 40
  assert sorted(np.concatenate([train, valid])) == list(range(200))
  np.testing.assert_array_equal(valid, splits.hold_out(labels, 0.2, how=how, seed=1)[1])


def test_hold_out_last_takes_the_last_and_stratified_some_of_each_class():
  labels = np.repeat(np.arange(4), 50)
  np.testing.assert_array_equal(splits.hold_out(labels, 0.2, how="last", seed=1)[1], np.arange(160, 200))
  _, valid = splits.hold_out(labels, 0.2, how="stratified", seed=1)
  np.testing.assert_array_equal(np.bincount(labels[valid]), [10] * 4)


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
  assert task.image_shape == (8, 8, 1) and task.num_classes == 10


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


def test_a_recipe_is_completed_by_the_task_but_not_overruled():
  task = make_task("digits")
  assert (task.recipe(CONFIG).flip, task.recipe(CONFIG).crop_padding) == (False, 1)
  explicit = dataclasses.replace(CONFIG, flip=True, crop_padding=0)
  assert task.recipe(explicit) == explicit


def test_losses_are_smoothed_cross_entropies():
  logits = tf.constant([[2.0, 0.0, 0.0]])
  log_p = np.log(np.exp([2.0, 0, 0]) / np.exp([2.0, 0, 0]).sum())
  for smoothing, target in ((0.0, [1, 0, 0]), (0.3, [0.8, 0.1, 0.1])):
    loss = image_classification.cross_entropy(logits, tf.constant([0]), smoothing)
    np.testing.assert_allclose(loss, [-(log_p @ target)], rtol=1e-6)


def test_scores_are_accuracy_and_cross_entropy():
  scores = image_classification.classification_scores(tf.constant([[0.0, 0.0], [0.0, 1.0]]), tf.constant([1, 1]))
  np.testing.assert_array_equal(scores["accuracy"], [0, 1])
  np.testing.assert_allclose(scores["loss"], [np.log(2), np.log(1 + np.exp(-1))], rtol=1e-6)


def test_an_unknown_task_is_named_with_what_there_is(tmp_path):
  with pytest.raises(ValueError, match="unknown task 'cifar_10'.*digits.*cifar10") as error:
    make_task("cifar_10", data_dir=str(tmp_path))
  assert all(name in str(error.value) for name in TASKS)


def test_missing_data_is_reported_with_where_and_how(tmp_path):
  with pytest.raises(FileNotFoundError, match=f"no data for 'cifar10' in {tmp_path}.*--download.*--data_dir"):
    make_task("cifar10", data_dir=str(tmp_path))


def test_a_set_that_is_not_of_labeled_images_is_refused(tmp_path):
  with pytest.raises(ValueError, match="expected images with one class label"):
    make_task("ag_news_subset", data_dir=str(tmp_path))


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
  assert task.image_shape == (32, 32, 3) and task.labels[:2] == ("airplane", "automobile")
  images, labels = next(iter(task.training_batches(CONFIG, seed=0)))
  assert images.shape == (128, 32, 32, 3) and images.dtype == tf.float32 and labels.dtype == tf.int32
  images, labels, weights = next(iter(task.evaluation_batches("valid", 500)))
  np.testing.assert_allclose(tf.reduce_mean(images, (1, 2, 3)), 0, atol=1e-4)
  assert weights.shape == (500,)


def test_a_set_too_large_for_memory_is_streamed(monkeypatch):
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
