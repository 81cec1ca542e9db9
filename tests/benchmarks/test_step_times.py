"""What `tools/step_times.py` measures exists, and is of the published sizes."""

import pytest

from nao_tf.benchmarks import step_times


def check(result, parameters):
  assert result.parameters == parameters
  assert 0 < result.milliseconds < 1e3 * result.first_seconds


def test_a_controller_is_timed():
  check(step_times.controller_step("torch", num_steps=2), 279_533)


@pytest.mark.slow
@pytest.mark.parametrize("shared", [False, True])
def test_networks_are_timed_alone_and_as_paths_of_a_supernet(shared):
  separate = step_times.image_step(filters=4, batch_size=8, num_steps=2)
  check(step_times.image_step(filters=4, batch_size=8, num_steps=2, shared=shared), separate.parameters)


@pytest.mark.parametrize("shared", [False, True])
def test_language_models_are_timed_alone_and_as_paths_of_a_supernet(shared):
  check(step_times.language_step(8, 4, 5, num_steps=2, shared=shared), 10_000 * (8 + 1) + (4 + 11 * 2) * 8 * 8)


@pytest.mark.slow
def test_relaxed_networks_are_timed_beside_one_of_their_architectures():
  one, first = (step_times.relaxed_image_step(filters=2, batch_size=4, num_steps=2, order=order) for order in (0, 1))
  assert 0 < one.parameters < first.parameters and one.milliseconds > 0 and first.milliseconds > 0
