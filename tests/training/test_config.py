import pytest

from nao_tf.training.config import TrainingConfig, refuse_full_size
from nao_tf.training.language_config import LanguageTrainingConfig


@pytest.mark.parametrize(
  "options, message",
  [
    ({"epochs": 0}, "epochs must be at least 1, got 0"),
    ({"momentum": 1.0}, r"momentum must be in \[0, 1\), got 1.0"),
    ({"learning_rate": 0.0}, "learning_rate must be above 0"),
    ({"schedule": "step"}, "schedule must be one of cosine, constant, exponential, got 'step'"),
    ({"rho": 1.0}, r"rho must be in \[0, 1\), or None, got 1.0"),
    ({"epsilon": 0.0}, "epsilon must be above 0, or None, got 0.0"),
    ({"decay_rate": 0.0}, r"decay_rate must be in \(0, 1\], got 0.0"),
    ({"color_jitter": 1.5}, r"color_jitter must be in \[0, 1\], got 1.5"),
    ({"hue_jitter": 0.6}, r"hue_jitter must be in \[0, 0.5\], got 0.6"),
    ({"cutout_convention": "left"}, "cutout_convention must be corner or center, got 'left'"),
    ({"cosine_period_epochs": 0}, "cosine_period_epochs must be at least 1"),
  ],
)
def test_a_training_config_out_of_range_is_refused(options, message):
  with pytest.raises(ValueError, match=message):
    TrainingConfig(**options)


@pytest.mark.parametrize(
  ("name", "value", "expected"),
  [
    ("accumulate_steps", 0, "at least 1"),
    ("mixed_precision", "float64", "one of none, bfloat16, float16"),
    ("average_weights", "mean", "one of none, ema, swa"),
    ("average_decay", 1.0, r"in \[0, 1\)"),
    ("averaging_epoch", 99, "at most the number of epochs"),
    ("warmup_epochs", 99.0, "at most the number of epochs"),
    ("scale_learning_rate", -1, "at least 0"),
  ],
)
def test_what_a_training_at_full_size_cannot_do_is_named(name, value, expected):
  with pytest.raises(ValueError, match=f"TrainingConfig: {name} must be {expected}, got "):
    TrainingConfig(**{name: value})


@pytest.mark.parametrize(
  "changes", [{"accumulate_steps": 2}, {"mixed_precision": "bfloat16"}, {"average_weights": "ema"}]
)
def test_trainers_of_other_networks_refuse_what_they_cannot_do(changes):
  refuse_full_size(TrainingConfig(), "supernets")
  refuse_full_size(LanguageTrainingConfig(), "supernets")
  with pytest.raises(ValueError, match=f"supernets are trained with {next(iter(changes))}="):
    refuse_full_size(TrainingConfig(**changes), "supernets")
