"""The values of a step, counted by exact fractions in the tests."""

import fractions

import keras_tuner
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras_tuner.engine import hyperparameters as hp_module

from nao_tf.spaces.value_grids import ValueGrid


def values(grid):
  return [grid.value(index) for index in range(grid.count)]


def is_float32_of(value):
  return float(np.float32(value))


@pytest.mark.parametrize(
  "low, high, step, expected",
  [
    (0, 0.5, 0.1, [0, 0.1, 0.2, 0.3, 0.4, 0.5]),
    (0, 0.3, 0.1, [0, 0.1, 0.2, 0.3]),
    (-0.3, 0.3, 0.1, [-0.3, -0.2, -0.1, 0, 0.1, 0.2, 0.3]),
    (0, 1, 0.3, [0, 0.3, 0.6, 0.9]),
    (0, 4e-5, 1e-5, [0, 1e-5, 2e-5, 3e-5, 4e-5]),
    (1e9, 1e9 + 0.3, 0.1, [1e9, 1e9 + 0.1, 1e9 + 0.2, 1e9 + 0.3]),
    (0, 1e9, 2.5e8, [0, 2.5e8, 5e8, 7.5e8, 1e9]),
    (0, np.float32(0.5), np.float32(0.1), [0, 0.1, 0.2, 0.3, 0.4, 0.5]),
    (0, 1, 3, [0]),
  ],
)
def test_the_end_of_the_range_is_a_value_if_it_is_on_the_grid(low, high, step, expected):
  assert values(ValueGrid(hp_module.Float("x", low, high, step=step))) == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize(
  "sampling, expected", [("log", [1e-3, 1e-2, 0.1, 1]), ("reverse_log", [1, 1 + 1e-3 - 1e-2, 1 + 1e-3 - 0.1, 1e-3])]
)
def test_logarithmic_steps_multiply(sampling, expected):
  assert values(ValueGrid(hp_module.Float("x", 1e-3, 1, step=10, sampling=sampling))) == pytest.approx(expected)


def test_the_ends_are_exactly_those_of_the_range():
  for sampling in ("log", "reverse_log"):
    grid = values(ValueGrid(hp_module.Float("x", 0.1, 0.9, step=3, sampling=sampling)))
    assert sorted(grid)[0] == 0.1 and sorted(grid)[-1] == 0.9
  assert values(ValueGrid(hp_module.Float("x", 0, 0.57, step=0.01)))[-1] == 0.57


@pytest.mark.parametrize(
  "hp", [hp_module.Int("x", 1, 10**6, step=10, sampling="log"), hp_module.Int("x", -9, 2**62, step=2**50)]
)
def test_integers_are_exact(hp):
  grid = ValueGrid(hp)
  assert all(type(value) is int for value in values(grid)[:50])
  assert all(grid.nearest(grid.value(index)) == index for index in range(min(grid.count, 50)))


def test_a_step_that_is_not_above_0_is_refused():
  for step in (0, -0.1):
    with pytest.raises(ValueError, match="'x': expected a step above 0"):
      ValueGrid(hp_module.Float("x", 0, 1, step=step))


def test_values_that_conditions_name_are_taken_as_they_are_named():
  grid = ValueGrid(hp_module.Float("x", 0, 0.5, step=0.1), named=[0.3, 0.25, 7.0])
  assert values(grid)[3] == 0.3 and values(hp_grid := ValueGrid(hp_module.Float("x", 0, 0.5, step=0.1)))[3] != 0.3
  assert grid.count == hp_grid.count == 6


fractions_of_steps = st.builds(fractions.Fraction, st.integers(-2000, 2000), st.sampled_from([1, 4, 10, 1000, 10**5]))


@settings(max_examples=300, deadline=None, derandomize=True)
@given(low=fractions_of_steps, steps=st.integers(1, 200), part=fractions_of_steps.filter(lambda f: f > 0))
def test_a_grid_counts_as_exact_fractions_do(low, steps, part):
  high = low + steps * part
  grid = ValueGrid(hp_module.Float("x", float(low), float(high), step=float(part)))
  assert grid.count == steps + 1
  assert grid.value(0) == float(low) and grid.value(steps) == float(high)
  short = ValueGrid(hp_module.Float("x", float(low), float(high - part / 3), step=float(part)))
  assert short.count == steps


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
  low=st.floats(-100, 100),
  step=st.floats(1e-3, 10),
  steps=st.integers(1, 100),
  index=st.integers(0, 100),
)
def test_values_contain_their_roundings_and_not_what_lies_between(low, step, steps, index):
  grid = ValueGrid(hp_module.Float("x", low, low + steps * step, step=step))
  index = min(index, grid.count - 1)
  value = grid.value(index)
  for rounded in (value, is_float32_of(value), float(f"{value:.12g}")):
    assert grid.contains(rounded) and grid.nearest(rounded) == index
  if index:
    assert not grid.contains((value + grid.value(index - 1)) / 2)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(low=st.integers(-100, 100), step=st.integers(1, 9), span=st.integers(1, 60))
def test_where_kerastuner_counts_right_the_values_are_its_own(low, step, span):
  hp = hp_module.Int("x", low, low + span, step=step)
  assert values(ValueGrid(hp)) == list(hp.values)


def test_what_kerastuner_lists_are_the_same_floats():
  hp = keras_tuner.HyperParameters()
  hp.Float("x", 0, 0.5, step=0.1)
  (entry,) = hp.space
  assert values(ValueGrid(entry))[:5] == list(entry.values)
