import pytest

from nao_tf.training.run_options import RunOptions


@pytest.mark.parametrize(
  ("name", "value", "expected"),
  [
    ("checkpoint_seconds", -1.0, "at least 0"),
    ("checkpoint_steps", -1, "at least 0"),
    ("nan_rate_factor", 1.5, r"in \[0, 1\]"),
    ("nan_rate_factor", -0.5, r"in \[0, 1\]"),
  ],
)
def test_options_out_of_range_are_named(name, value, expected):
  with pytest.raises(ValueError, match=f"RunOptions: {name} must be {expected}, got {value}"):
    RunOptions(**{name: value})
