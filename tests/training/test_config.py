import pytest

from nao_tf.training.config import TrainingConfig


@pytest.mark.parametrize(
  "options, message",
  [
    ({"epochs": 0}, "epochs must be at least 1, got 0"),
    ({"momentum": 1.0}, r"momentum must be in \[0, 1\), got 1.0"),
    ({"learning_rate": 0.0}, "learning_rate must be above 0"),
    ({"schedule": "step"}, "schedule must be one of cosine, constant, got 'step'"),
    ({"cutout_convention": "left"}, "cutout_convention must be corner or center, got 'left'"),
    ({"cosine_period_epochs": 0}, "cosine_period_epochs must be at least 1"),
  ],
)
def test_a_training_config_out_of_range_is_refused(options, message):
  with pytest.raises(ValueError, match=message):
    TrainingConfig(**options)
