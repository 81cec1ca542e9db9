import dataclasses

import numpy as np
import pytest

from nao_tf.tasks.image_division import ImageDivision

LABELS = np.repeat([0, 1], [30, 10])
DIVISION = ImageDivision("pets", ("cat", "dog"), 0.2, "stratified", "stratified", None)


def test_each_image_is_held_out_or_may_be_trained_on():
  rest, valid = DIVISION.held_out(LABELS)
  assert sorted([*rest, *valid]) == list(range(40))
  assert np.bincount(LABELS[valid]).tolist() == [6, 2]


def test_a_part_keeps_the_shares_and_is_the_same_each_time():
  few = dataclasses.replace(DIVISION, train_examples=8)
  part = few.shuffled_part(np.arange(40), LABELS)
  assert np.bincount(LABELS[part]).tolist() == [6, 2]
  np.testing.assert_array_equal(part, few.shuffled_part(np.arange(40), LABELS))


def test_more_than_there_are_and_nothing_to_train_on_are_refused():
  with pytest.raises(ValueError, match="pets: train_examples is 41, but there are only 40"):
    dataclasses.replace(DIVISION, train_examples=41).num_trained_on(40)
  with pytest.raises(ValueError, match="only 40 that validation_fraction=0.2 leaves$"):
    dataclasses.replace(DIVISION, train_examples=41).num_trained_on(40)
  with pytest.raises(ValueError, match="only 40$"):
    dataclasses.replace(DIVISION, train_examples=41, validation_fraction=0.0).num_trained_on(40)
  with pytest.raises(ValueError, match="pets: a validation_fraction of 0.99 leaves no image to train on"):
    dataclasses.replace(DIVISION, validation_fraction=0.99, hold_out="last").held_out(LABELS[:1])


def test_a_part_without_a_class_is_reported(caplog):
  DIVISION.report(LABELS, np.arange(30), np.arange(30, 40))
  assert "pets: classes without an image to train on: 1, such as dog" in caplog.text
