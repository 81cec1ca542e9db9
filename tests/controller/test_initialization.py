"""Initial weights: their ranges, and streams that do not depend on the size of an ensemble."""

import dataclasses

import numpy as np
import pytest

from nao_tf.controller.config import INITIALIZERS, ControllerConfig
from nao_tf.controller.initialization import Initializer


def make(name, *, ensemble_size=None, **changes):
  return Initializer(ControllerConfig(initializer=name, **changes), seed=3, ensemble_size=ensemble_size)


@pytest.mark.parametrize("name", INITIALIZERS)
def test_a_controller_of_an_ensemble_gets_the_weights_of_a_smaller_ensemble(name):
  single, pair, three = (make(name, ensemble_size=size) for size in (None, 2, 3))
  for _ in range(2):
    one, two, all_ = (initializer.kernel(4, 5) for initializer in (single, pair, three))
    np.testing.assert_array_equal(one, two[0])
    np.testing.assert_array_equal(two, all_[:2])
    assert not np.array_equal(all_[0], all_[1])


@pytest.mark.parametrize(
  "name, kernel, lstm_kernel, recurrent_kernel",
  [
    ("fan_in", (3 / 100) ** 0.5, (3 / 100) ** 0.5, 0.7 * (3 / 64) ** 0.5),
    ("uniform", 0.1, 0.1, 0.1),
    ("torch", 0.1, 64**-0.5, 64**-0.5),
  ],
)
def test_kernels_fill_their_range(name, kernel, lstm_kernel, recurrent_kernel):
  initializer = make(name)
  assert np.abs(initializer.kernel(100, 200)).max() == pytest.approx(kernel, rel=0.01)
  assert np.abs(initializer.lstm_kernel(100, 64)).max() == pytest.approx(lstm_kernel, rel=0.01)
  assert np.abs(initializer.recurrent_kernel(64)).max() == pytest.approx(recurrent_kernel, rel=0.01)


@pytest.mark.parametrize("name, largest", [("fan_in", 0), ("uniform", 0), ("torch", 0.1)])
def test_only_torch_draws_biases(name, largest):
  assert np.abs(make(name).bias(100, 2000)).max() == pytest.approx(largest, rel=0.01)


def test_forget_gates_have_their_bias():
  bias = make("fan_in", forget_bias=1.5).lstm_bias(4)
  np.testing.assert_array_equal(bias.reshape(4, 4), [[0] * 4, [1.5] * 4, [0] * 4, [0] * 4])


@pytest.mark.parametrize("name, deviation", [("fan_in", 0.5), ("torch", 1.0), ("uniform", 0.1 / 3**0.5)])
def test_embeddings_have_their_spread(name, deviation):
  assert make(name).embedding(100, 200).std() == pytest.approx(deviation, rel=0.02)


@pytest.mark.parametrize("inputs, units", [(3, 4), (9, 2)])
def test_orthogonal_kernels_have_orthonormal_rows_or_columns(inputs, units):
  kernel = np.concatenate(make("fan_in").orthogonal_kernels(inputs, units))
  short = kernel if len(kernel) < len(kernel[0]) else kernel.T
  np.testing.assert_allclose(short @ short.T, np.eye(len(short)), atol=1e-6)


def test_values_are_single_precision_with_an_axis_for_the_ensemble():
  initializer = make("fan_in", ensemble_size=2)
  assert initializer.prefix == (2,) and make("fan_in").prefix == ()
  for value in (initializer.kernel(3, 4), initializer.constant((3, 4), 0.5), initializer.uniform((3, 4), 1.0)):
    assert value.shape == (2, 3, 4) and value.dtype == np.float32


def test_equal_configurations_and_seeds_give_equal_weights():
  config = dataclasses.replace(ControllerConfig(), initializer="torch")
  np.testing.assert_array_equal(Initializer(config, 1).kernel(3, 3), Initializer(config, 1).kernel(3, 3))
  assert np.any(Initializer(config, 1).kernel(3, 3) != Initializer(config, 2).kernel(3, 3))
