import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings, strategies

from nao_tf.tasks import splits
from nao_tf.tasks.traits import HOLD_OUTS


@pytest.mark.parametrize("how", HOLD_OUTS)
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


@settings(max_examples=60, deadline=None, derandomize=True)
@given(data=strategies.data())
def test_a_stratified_split_keeps_the_share_of_each_class_within_one_example(data):
  sizes = data.draw(strategies.lists(strategies.integers(1, 30), min_size=1, max_size=300))
  labels = data.draw(strategies.permutations(np.repeat(np.arange(len(sizes)), sizes)).map(np.array))
  fraction = data.draw(strategies.floats(0, 0.95))
  train, valid = splits.hold_out(labels, fraction, how="stratified", seed=0)
  assert sorted([*train, *valid]) == list(range(len(labels)))
  assert len(valid) == round(len(labels) * fraction)
  share = len(valid) / len(labels)
  held_out = np.bincount(labels[valid], minlength=len(sizes))
  assert (np.abs(held_out - share * np.array(sizes)) < 1 + 1e-9).all()


def batches(dataset):
  return [(images.numpy().tolist(), labels.numpy().tolist()) for images, labels in dataset]


def test_a_stream_is_decoded_after_it_is_shuffled_and_what_is_skipped_is_not():
  decoded = []

  def decode(number, label):
    recorded = tf.numpy_function(lambda n: decoded.append(int(n)) or n, [number], tf.int64, stateful=True)
    return tf.ensure_shape(recorded, []) * 10, label

  numbers, seed = tf.data.Dataset.range(30).map(lambda n: (n, n % 3)), tf.constant([1, 2])
  plain = splits.StreamedSplit(numbers.map(lambda number, label: (number * 10, label)), 30)
  encoded = splits.StreamedSplit(numbers, 30, decode)
  expected = batches(plain.shuffled(5, seed))
  assert batches(encoded.shuffled(5, seed)) == expected and sorted(decoded) == list(range(30))
  decoded.clear()
  assert batches(encoded.shuffled(5, seed, 4)) == expected[4:]
  assert sorted(10 * number for number in decoded) == sorted(image for images, _ in expected[4:] for image in images)
  assert batches(encoded.ordered(7)) == batches(plain.ordered(7))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(labels=strategies.lists(strategies.integers(0, 400), min_size=1, max_size=200), share=strategies.floats(0, 1))
def test_a_part_in_proportion_has_the_first_of_each_class(labels, share):
  labels = np.array(labels)
  count = round(share * len(labels))
  taken = splits.in_proportion(labels, count)
  assert len(taken) == count and (np.diff(taken) > 0).all()
  for label in np.unique(labels):
    of_class = np.flatnonzero(labels == label)
    mine = of_class[np.isin(of_class, taken)]
    assert abs(len(mine) - count * len(of_class) / len(labels)) < 1
    np.testing.assert_array_equal(mine, of_class[: len(mine)])


@pytest.mark.parametrize("sizes", [[50, 1], [3, 2, 1], [1] * 10, [2] * 300, [1]])
def test_rare_classes_and_many_of_them_can_be_stratified(sizes):
  labels = np.repeat(np.arange(len(sizes)), sizes)
  train, valid = splits.hold_out(labels, 0.1, how="stratified", seed=0)
  assert len(train) + len(valid) == len(labels)


def test_the_split_depends_on_its_seed_alone():
  labels = np.repeat(np.arange(3), [1, 20, 30])
  np.random.seed(1)
  first = splits.hold_out(labels, 0.2, how="stratified", seed=0)[1]
  np.random.seed(2)
  np.testing.assert_array_equal(splits.hold_out(labels, 0.2, how="stratified", seed=0)[1], first)
