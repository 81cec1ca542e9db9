"""Factors that follow how often something happens."""

import math

import pytest

from nao_tf.strategies.adapted_factors import adapted_factor

OPTIONS = {"share": 0.25, "rate": 0.5, "smallest": 0.5, "largest": 3.0}


def test_an_event_makes_it_larger_and_any_other_case_smaller():
  assert adapted_factor([], **OPTIONS) == 1
  assert adapted_factor([True], **OPTIONS) == math.exp(0.5 * 0.75)
  assert adapted_factor([False], **OPTIONS) == math.exp(-0.5 * 0.25)


def test_the_given_share_of_events_keeps_it():
  assert adapted_factor(5 * [True, False, False, False], **OPTIONS) == pytest.approx(1)


def test_at_a_bound_nothing_is_saved_up():
  assert adapted_factor(100 * [True], **OPTIONS) == 3 and adapted_factor(100 * [False], **OPTIONS) == 0.5
  assert adapted_factor([*100 * [True], False], **OPTIONS) == pytest.approx(3 * math.exp(-0.125))
