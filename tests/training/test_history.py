import os

import pytest

from nao_tf.training.history import TEST_FILE, read_history, read_test_figures, write_test_figures


def test_figures_on_the_test_set_are_kept(tmp_path):
  write_test_figures(str(tmp_path), {})
  assert not os.listdir(tmp_path) and read_test_figures(str(tmp_path)) == {}
  write_test_figures(str(tmp_path), {"accuracy": 0.5, "loss": float("inf")})
  assert read_test_figures(str(tmp_path)) == {"accuracy": 0.5, "loss": float("inf")}


def test_figures_that_are_no_numbers_are_an_error(tmp_path):
  (tmp_path / TEST_FILE).write_text('{"accuracy": "high"}')
  with pytest.raises(ValueError, match=rf"{TEST_FILE}.*accuracy"):
    read_test_figures(str(tmp_path))


def test_a_directory_without_a_training_has_no_history(tmp_path):
  assert read_history(str(tmp_path)) == []
