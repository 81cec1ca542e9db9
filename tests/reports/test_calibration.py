import types

import pytest

from nao_tf.reports.calibration import Calibration, calibration
from nao_tf.runs.predictions import Prediction
from nao_tf.trial import Evaluation, Trial


def record_of(rewards, predictions):
  scored = [Trial(number, (number,), evaluation=Evaluation(reward)) for number, reward in enumerate(rewards)]
  return types.SimpleNamespace(scored=scored, predictions=predictions)


def test_the_share_of_rewards_within_intervals():
  predictions = {number: Prediction(0.5, 1, (0.4, 0.6), (0.1, 0.9)) for number in range(4)}
  found = calibration(record_of([0.5, 0.4, 0.8, 1.0], predictions))
  assert found == Calibration(4, 0.5, 0.75)
  assert str(found).startswith("Of 4 rewards, 50% lie within the 50% prediction interval")
  assert "75% within the 90% prediction interval" in str(found)


@pytest.mark.parametrize("predictions", [{}, {0: Prediction(0.5, 1)}])
def test_without_intervals_there_is_none(predictions):
  assert calibration(record_of([0.5], predictions)) is None
