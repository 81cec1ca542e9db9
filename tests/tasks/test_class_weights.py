import numpy as np
import pytest
import tensorflow as tf

from nao_tf.tasks.class_weights import class_weights, weight_settings
from nao_tf.tasks.image_input import image_input
from nao_tf.training.config import TrainingConfig
from tests.support import shapes

LABELS = ("circle", "square")


def test_balanced_weights_make_all_classes_count_the_same():
  counts = np.array([30, 10])
  weights = class_weights("balanced", LABELS, counts)
  assert weights.tolist() == pytest.approx([40 / 60, 2.0]) and weights @ counts == pytest.approx(40)


def test_weights_are_given_by_label():
  assert class_weights({"square": 3}, LABELS, np.array([1, 1])).tolist() == [1.0, 3.0]
  assert class_weights({7: 3}, ("3", "7"), np.array([1, 1])).tolist() == [1.0, 3.0]


@pytest.mark.parametrize(
  ("given", "message"),
  [
    ("even", 'must be "balanced", or a dict'),
    ({"dog": 1}, "unknown label 'dog'; expected some of circle, square"),
    ({"circle": 0}, "class_weight of 'circle' must be above 0, got 0"),
    ({"circle": "2"}, "expected a finite number for \"class_weight of 'circle'\""),
  ],
)
def test_other_weights_are_an_error(given, message):
  with pytest.raises(ValueError, match=message):
    class_weights(given, LABELS, np.array([1, 1]))


def test_weights_are_a_setting_only_if_they_are_given():
  assert weight_settings(None) == {} and weight_settings({3: 2.0}) == {"class_weight": {"3": 2.0}}


class Uniform:
  """A classifier that thinks all classes equally likely."""

  auxiliary_head = None

  def __call__(self, images, training=False, step=None):
    return tf.zeros([images.shape[0], 2])


def losses(class_weight):
  images, names = shapes.shape_arrays(20)
  chosen = np.flatnonzero((names == "circle") | (np.arange(20) < 4))  # 10 circles and 2 squares
  task = image_input(images[chosen], names[chosen], class_weight=class_weight).make_task(0.0)
  return task.losses(Uniform(), tf.zeros([2, 16, 16, 3]), tf.constant([0, 1]), tf.constant(0), TrainingConfig()).numpy()


def test_weights_reach_the_loss():
  assert losses("balanced") == pytest.approx(losses(None) * [12 / 20, 12 / 4])
  assert losses({"circle": 5.0}) == pytest.approx(losses(None) * [5, 1])
