import numpy as np
import pytest
import tensorflow as tf

from nao_tf.training.averaging import BestWeights, NonMonotonicTrigger, WeightAverage


def test_the_average_is_the_mean_of_the_values_since_it_began():
  weight = tf.Variable([7.0, -7.0])
  average = WeightAverage([weight])
  average.start()
  for value in ([1.0, 0.0], [2.0, 0.0], [6.0, 3.0]):
    weight.assign(value)
    average.update()
  np.testing.assert_allclose(average.averages[0], [3.0, 1.0])
  np.testing.assert_allclose(weight, [6.0, 3.0])


def test_averaged_gradient_descent_by_hand():
  # w <- w - 0.5 * 2 (w - 1) / 2 = (w + 1) / 2 from w = 5: 3, 2, 1.5, whose mean is 6.5 / 3.
  weight = tf.Variable(5.0)
  average = WeightAverage([weight])
  average.start()
  for _ in range(3):
    with tf.GradientTape() as tape:
      loss = tf.square(weight - 1.0) / 2
    weight.assign_sub(0.5 * tape.gradient(loss, weight))
    average.update()
  assert float(weight) == pytest.approx(1.5)
  assert float(average.averages[0]) == pytest.approx(6.5 / 3)


def test_swapping_twice_changes_nothing():
  weight = tf.Variable(1.0)
  average = WeightAverage([weight])
  average.update()
  weight.assign(5.0)
  average.swap()
  assert (float(weight), float(average.averages[0])) == (1.0, 5.0)
  average.swap()
  assert (float(weight), float(average.averages[0])) == (5.0, 1.0)


def test_there_is_no_average_before_the_first_update():
  average = WeightAverage([tf.Variable(1.0)])
  average.start()
  assert not average.usable
  average.update()
  assert average.usable


@pytest.mark.parametrize(
  "patience, losses, expected",
  [
    (1, [5, 4, 3, 2], [0, 0, 0, 0]),  # falls
    (1, [5, 4, 4.5, 4.5], [0, 0, 0, 1]),  # 4.5 > 4, the best of all but the last
    (2, [5, 4, 4.5, 4.6, 4.7], [0, 0, 0, 0, 1]),
    (2, [5, 6, 7, 8], [0, 0, 0, 1]),  # 8 > 5
    (5, [9, 8, 7, 6, 5, 4], [0] * 6),
  ],
)
def test_the_trigger_compares_with_the_best_of_all_but_the_last(patience, losses, expected):
  trigger = NonMonotonicTrigger(patience)
  assert [int(trigger.pull(loss)) for loss in losses] == expected


def test_the_trigger_goes_on_from_its_checkpoint(tmp_path):
  trigger, other = NonMonotonicTrigger(1), NonMonotonicTrigger(1)
  trigger.pull(3.0), trigger.pull(4.0)
  path = tf.train.Checkpoint(trigger=trigger).save(str(tmp_path / "checkpoint"))
  tf.train.Checkpoint(trigger=other).restore(path)
  assert other.pull(3.5) and not NonMonotonicTrigger(1).pull(3.5)


def test_the_best_weights_are_those_of_the_lowest_loss():
  weight = tf.Variable(0.0)
  best = BestWeights([weight])
  for value, loss in ((1.0, 3.0), (2.0, 2.0), (3.0, 2.5)):
    weight.assign(value)
    best.offer(loss)
  best.restore()
  assert float(weight) == 2.0


def test_without_a_loss_there_are_no_best_weights():
  weight = tf.Variable(0.0)
  best = BestWeights([weight])
  weight.assign(4.0)
  best.restore()
  assert float(weight) == 4.0
