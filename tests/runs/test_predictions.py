import os

import pytest

from nao_tf.runs.predictions import PREDICTIONS_FILE, Prediction, Predictions, read_predictions
from nao_tf.trial import Trial

TRIALS = [Trial(0, (0, 1)), Trial(1, (1, 1)), Trial(2, (2, 1))]


def record(directory, *pairs):
  predictions = Predictions(str(directory))
  for trial, prediction in pairs:
    predictions.add(trial, prediction)
  predictions.close()


def test_predictions_are_read_by_the_ids_of_the_trials(tmp_path):
  record(tmp_path, (TRIALS[1], Prediction(0.75, 1)), (TRIALS[2], Prediction(0.5, 1)))
  assert read_predictions(str(tmp_path), TRIALS) == {1: Prediction(0.75, 1), 2: Prediction(0.5, 1)}


def test_what_was_predicted_first_stays_also_when_a_search_goes_on(tmp_path):
  record(tmp_path, (TRIALS[1], Prediction(0.75, 1)), (TRIALS[1], Prediction(0.1, 2)))
  record(tmp_path, (TRIALS[1], Prediction(0.2, 3)), (TRIALS[0], Prediction(0.3, 3)))
  assert read_predictions(str(tmp_path), TRIALS) == {1: Prediction(0.75, 1), 0: Prediction(0.3, 3)}


def test_predictions_of_another_search_are_left_out(tmp_path):
  record(tmp_path, (Trial(1, (5, 5)), Prediction(0.75, 1)))
  assert read_predictions(str(tmp_path), TRIALS) == {}


def test_a_damaged_file_is_set_aside_and_its_good_lines_stay(tmp_path, caplog):
  record(tmp_path, (TRIALS[1], Prediction(0.75, 1)))
  with open(tmp_path / PREDICTIONS_FILE, "a") as file:
    file.write("nonsense\n")
  record(tmp_path, (TRIALS[0], Prediction(0.5, 1)), (TRIALS[2], Prediction(float("nan"), 1)))
  assert read_predictions(str(tmp_path), TRIALS) == {1: Prediction(0.75, 1), 0: Prediction(0.5, 1)}
  assert len(caplog.records) == 1 and os.path.exists(tmp_path / f"{PREDICTIONS_FILE}.damaged")


def test_without_a_file_there_are_none_and_a_corrupt_one_is_an_error(tmp_path):
  assert read_predictions(str(tmp_path), TRIALS) == {} and not os.listdir(tmp_path)
  (tmp_path / PREDICTIONS_FILE).write_text('{"id": 1}\n')
  with pytest.raises(ValueError, match=rf"{PREDICTIONS_FILE}, line 1: not a prediction"):
    read_predictions(str(tmp_path), TRIALS)
