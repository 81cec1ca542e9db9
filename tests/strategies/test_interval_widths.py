"""The widths of intervals: they grow after misses, shrink after hits, and end where the intended share is inside."""

import numpy as np
import pytest

from nao_tf.runs.predictions import Prediction
from nao_tf.strategies.interval_widths import width_factors

INSIDE, OUTSIDE_HALF, OUTSIDE = 0.0, 1.0, 3.0


def predicted(half=1.0, most=1.0):
  """A prediction with an interval of 50 % to 0.5 and one of 90 % to 2, times factors."""
  return Prediction(0.5, 7, (-0.5 * half, 0.5 * half), (-2.0 * most, 2.0 * most))


def test_without_predictions_intervals_stay_as_they_are():
  assert width_factors([]) == width_factors([(5.0, Prediction(0.5, 7))]) == {0.5: 1, 0.9: 1}


@pytest.mark.parametrize("reward, half, most", [(INSIDE, -1, -1), (OUTSIDE_HALF, 1, -1), (OUTSIDE, 1, 1)])
def test_each_interval_follows_its_own_misses(reward, half, most):
  factors = width_factors([(reward, predicted())])
  assert np.sign(np.log([factors[0.5], factors[0.9]])).tolist() == [half, most]


def test_the_intended_share_of_misses_keeps_the_width():
  factors = width_factors([*9 * [(INSIDE, predicted())], (OUTSIDE, predicted())])
  assert factors[0.9] == pytest.approx(1) and factors[0.5] < 1


def test_both_ends_of_an_interval_belong_to_it():
  assert (
    width_factors([(0.5, predicted())]) == width_factors([(-0.5, predicted())]) == width_factors([(0.0, predicted())])
  )


@pytest.mark.parametrize("deviation", [0.3, 1.0, 4.0])
def test_intervals_of_one_that_is_too_sure_or_not_sure_enough_get_their_share(deviation):
  """Rewards are normal with a deviation that the predictor, whose own is about .74 and 1.2, does not know."""
  outcomes = []
  for reward in np.random.default_rng(0).normal(0, deviation, 400).tolist():
    factors = width_factors(outcomes)
    outcomes.append((reward, predicted(factors[0.5], factors[0.9])))
  later = outcomes[100:]
  within_50, within_90 = (np.mean([abs(r) <= p[place][1] for r, p in later]) for place in (2, 3))
  assert within_50 == pytest.approx(0.5, abs=0.03) and within_90 == pytest.approx(0.9, abs=0.03)


def test_widths_stay_within_bounds():
  assert width_factors(1000 * [(OUTSIDE, predicted())]) == pytest.approx({0.5: 10, 0.9: 10})
  assert width_factors(1000 * [(INSIDE, predicted())]) == pytest.approx({0.5: 0.1, 0.9: 0.1})
