import dataclasses

import numpy as np
import pytest

from nao_tf.training.language_config import LanguageTrainingConfig, segment_lengths

CONFIG = LanguageTrainingConfig()


def lengths(total=100_000, seed=0, **changes):
  return segment_lengths(dataclasses.replace(CONFIG, **changes), total, np.random.default_rng(seed))


def test_lengths_add_up_and_keep_their_bounds():
  found = lengths(segment_deviation=30.0)
  assert sum(found) == 100_000
  assert min(found[:-1]) == 5 and max(found) == 55
  assert sum(lengths(total=3)) == 3


def test_lengths_are_normal_around_the_mean_and_sometimes_around_half_of_it():
  found = np.array(lengths())
  # int() cuts half a token off on average: 0.95 * 35 + 0.05 * 17.5 - 0.5 = 33.6; 5 sigma of 3,000 draws are 0.6.
  assert np.mean(found) == pytest.approx(33.6, abs=0.6)
  assert np.mean(found < 24) == pytest.approx(0.05, abs=0.02)


def test_lengths_are_all_alike_without_randomness():
  assert lengths(total=100, segment_deviation=0.0, short_segments=0.0) == [35, 35, 30]


def test_lengths_are_a_function_of_the_generator():
  assert lengths(seed=1) == lengths(seed=1) != lengths(seed=2)


@pytest.mark.parametrize(
  "name, value, expected",
  [
    ("epochs", 0, "at least 1"),
    ("segment_length", 0, "at least 1"),
    ("clip_norm", -1.0, "at least 0"),
    ("learning_rate", 0.0, "above 0"),
    ("short_segments", 1.5, r"in \[0, 1\]"),
  ],
)
def test_numbers_out_of_range_are_refused(name, value, expected):
  with pytest.raises(ValueError, match=f"{name} must be {expected}, got {value}"):
    LanguageTrainingConfig(**{name: value})
