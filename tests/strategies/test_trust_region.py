"""The radius of the trust region: longer after success, shorter after failure, and kept where one in five succeeds."""

import pytest

from nao_tf.strategies.trust_region import LARGEST, SMALLEST, radius
from nao_tf.trial import RANDOM, Origin, Trial

START = Trial(0, (0,), RANDOM)


def after(outcomes, kind="ascent"):
  """The radius after steps from a trial with a merit of 0, to the given merits."""
  steps = [Trial(number, (number,), Origin(kind, (0,), step=1.0)) for number, _ in enumerate(outcomes, 1)]
  return radius([START, *steps], [0.0, *outcomes])


def test_it_begins_at_one_and_does_not_change_without_steps():
  assert radius([], []) == after([]) == after([1.0, -1.0], kind="mutation") == 1


def test_success_makes_it_larger_and_failure_smaller():
  assert after([1.0]) > 1 > after([-1.0])
  assert after([0.0]) < 1, "what is as good as its start is no success"


def test_one_success_in_five_keeps_it():
  assert after([1.0, -1.0, -1.0, -1.0, -1.0]) == pytest.approx(1)


def test_it_stays_within_its_bounds_and_comes_back():
  assert after(1000 * [-1.0]) == SMALLEST < after([*1000 * [-1.0], 1.0])
  assert after(1000 * [1.0]) == LARGEST > after([*1000 * [1.0], -1.0])


def test_a_step_is_compared_with_the_best_it_started_from():
  trials = [START, Trial(1, (1,), RANDOM), Trial(2, (2,), Origin("ascent", (0, 1), step=1.0))]
  assert radius(trials, [0.0, 2.0, 1.0]) < 1 < radius(trials, [0.0, 2.0, 3.0])


def test_steps_from_random_architectures_or_from_failed_trials_do_not_count():
  steps = [Trial(1, (1,), Origin("ascent", step=1.0)), Trial(2, (2,), Origin("ascent", (7,), step=1.0))]
  assert radius([START, *steps], [0.0, 1.0, 1.0]) == 1
