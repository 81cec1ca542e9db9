import numpy as np
import pytest
import tensorflow as tf

from nao_tf.training.course import Course, weights_are_finite


def test_a_course_adds_up_losses_and_setbacks():
  course = Course()
  for loss in (1.5, 2.0):
    course.add(tf.constant(loss))
  assert float(course.loss) == 3.5
  course.start_epoch()
  for _ in range(2):
    course.set_back(0.5)
  assert (float(course.loss), float(course.rate_factor), int(course.setbacks)) == (0.0, 0.25, 2)


def test_a_training_may_go_back_once_and_again_with_a_smaller_factor():
  course = Course()
  assert course.may_go_back(1.0) and course.may_go_back(0.1) and not course.may_go_back(0.0)
  course.set_back(0.1)
  assert not course.may_go_back(0.1) and not course.may_go_back(1.0) and course.may_go_back(0.05)
  course.set_back(0.05 / 0.1)
  assert not course.may_go_back(0.05) and course.may_go_back(0.01)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_are_looked_at_wherever_they_are(value):
  good, bad = tf.Variable([1.0]), tf.Variable([1.0, value])
  network = tf.Module()
  network.bad = bad
  assert weights_are_finite({"weights": good}) and not weights_are_finite({"weights": bad})
  assert not weights_are_finite({"network": network}) and weights_are_finite({"epoch": bad})
