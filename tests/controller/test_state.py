"""Saved controllers go on exactly as they would have."""

import numpy as np
import pytest

from nao_tf.controller.state import controller_state, restart, restore_controller_state
from tests.support import controller_cases as cases


def test_a_restored_controller_goes_on_exactly_as_the_saved_one():
  tokens, targets, weights = cases.some_tokens(8), cases.some_targets(8), np.ones(8, np.float32)
  saved, restored = cases.small_controller(seed=1), cases.small_controller(seed=2)
  for _ in range(3):
    saved.update(tokens, targets, weights)
  restore_controller_state(restored, controller_state(saved))
  for controller in (saved, restored):
    controller.update(tokens, targets, weights)
  for name, array in controller_state(saved).items():
    np.testing.assert_array_equal(array, controller_state(restored)[name])


def test_a_state_of_another_controller_is_refused_and_changes_nothing():
  controller, other = cases.small_controller(), cases.small_controller(encoder_size=6)
  before = controller_state(controller)
  with pytest.raises(ValueError, match=r"expected the shape \(\d+, 20\), got"):
    restore_controller_state(controller, controller_state(other))
  with pytest.raises(ValueError, match=r"differing: .*weights/0"):
    restore_controller_state(controller, {name: array for name, array in before.items() if name != "weights/0"})
  assert all(np.array_equal(array, before[name]) for name, array in controller_state(controller).items())


@pytest.mark.parametrize("ensemble_size", [None, 2])
def test_a_restarted_controller_is_a_new_one_with_the_same_graphs(ensemble_size):
  tokens = cases.some_tokens(8)
  controller = cases.small_controller(ensemble_size=ensemble_size, seed=1)
  controller.score(tokens)
  restart(controller, 5)
  new = cases.small_controller(ensemble_size=ensemble_size, seed=5)
  assert controller.seed == 5
  for name, array in controller_state(new).items():
    np.testing.assert_array_equal(array, controller_state(controller)[name])
  np.testing.assert_array_equal(controller.score(tokens), new.score(tokens))
  assert controller.graphs.num_traces("encode") == 1


def test_a_state_goes_through_a_file(tmp_path):
  saved, restored = cases.small_controller(seed=1), cases.small_controller(seed=2)
  np.savez(tmp_path / "state.npz", **controller_state(saved))
  restore_controller_state(restored, dict(np.load(tmp_path / "state.npz")))
  for name, array in controller_state(saved).items():
    np.testing.assert_array_equal(array, controller_state(restored)[name])
