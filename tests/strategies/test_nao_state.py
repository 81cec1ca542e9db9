"""What NAO keeps in a file."""

import numpy as np
import pytest

from nao_tf.runs.predictions import Prediction
from nao_tf.strategies.nao_state import STATE_FILE, Learned, read_learned, write_learned
from nao_tf.trial import Origin
from tests.support.controller_cases import small_controller

ARCHITECTURE = (0, 1, 2)
LEARNED = Learned(
  {10: [(ARCHITECTURE, Origin("ascent", (3,), step=2.0))]},
  2,
  4.0,
  8,
  {ARCHITECTURE: Prediction(0.5, 10, (0.1, 0.2), (0.0, 0.3))},
)


def test_it_is_read_back_with_the_weights(tmp_path):
  trained, fresh = small_controller(seed=1), small_controller(seed=2)
  write_learned(str(tmp_path / "new"), trained, LEARNED)
  assert read_learned(str(tmp_path / "new" / STATE_FILE), fresh) == LEARNED
  for mine, theirs in zip(trained.trainable_variables, fresh.trainable_variables):
    np.testing.assert_array_equal(mine, theirs)


def test_that_of_other_controllers_is_refused(tmp_path):
  write_learned(str(tmp_path), small_controller(), LEARNED)
  with pytest.raises(ValueError, match=STATE_FILE):
    read_learned(str(tmp_path / STATE_FILE), small_controller(ensemble_size=2))
