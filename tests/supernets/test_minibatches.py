import numpy as np
import pytest
import tensorflow as tf

from nao_tf.supernets.minibatches import Minibatches
from tests.support.array_source import array_task

COUNT, SIZE = 20, 6


@pytest.fixture(scope="module")
def task():
  images = np.random.default_rng(0).integers(0, 256, (40, 4, 4, 1), dtype=np.uint8)
  return array_task((images, np.arange(40) % 2), validation_fraction=COUNT / 40)


def make(task):
  return Minibatches(task, SIZE, tf.distribute.get_strategy(), seed=1)


def first_pixels(minibatch):
  inputs, targets, weights = minibatch
  assert len(inputs) == len(targets) == SIZE and np.all(weights == 1)
  return np.round(inputs.numpy()[:, 0, 0, 0], 5).tolist()


@pytest.mark.parametrize("size", [0, COUNT + 1])
def test_a_minibatch_without_enough_examples_is_refused(task, size):
  with pytest.raises(ValueError, match="needs a validation example per minibatch, but there are only 20 in all"):
    Minibatches(task, size, tf.distribute.get_strategy(), seed=1)


def test_minibatches_have_no_order_of_reading_and_each_pass_has_its_own(task):
  minibatches = make(task)
  in_order = [first_pixels(minibatches[number]) for number in range(6)]
  for number in (4, 4, 5, 0, 2):
    assert first_pixels(minibatches[number]) == in_order[number] == first_pixels(make(task)[number])
  first, second = np.reshape(in_order, [2, 3 * SIZE]).tolist()
  assert first != second and len(set(first)) == len(set(second)) == 3 * SIZE
