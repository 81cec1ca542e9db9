import collections

import numpy as np
import pytest

from nao_tf.supernets.architecture_pool import Pool
from nao_tf.supernets.config import SharingConfig

ARCHITECTURES = [(i,) for i in range(5)]


def drawn(pool, steps):
  return [pool.architecture(step) for step in steps]


def test_every_architecture_comes_once_before_any_comes_again():
  pool = Pool(ARCHITECTURES, seed=1)
  for first in (0, 5, 50):
    assert sorted(drawn(pool, range(first, first + 5))) == ARCHITECTURES
  assert drawn(pool, range(5)) != drawn(pool, range(5, 10)) or drawn(pool, range(5)) != drawn(pool, range(10, 15))


@pytest.mark.parametrize("weights", [None, [1, 2, 3, 4, 5]])
def test_a_draw_is_a_function_of_seed_and_step(weights):
  orders = [drawn(Pool(ARCHITECTURES, seed=seed, weights=weights), range(40)) for seed in (1, 1, 2)]
  assert orders[0] == orders[1] != orders[2]
  assert drawn(Pool(ARCHITECTURES, seed=1, weights=weights), reversed(range(40))) == orders[0][::-1]


def test_shares_are_in_proportion_to_weights():
  """The share of n = 2000 draws has sigma at most sqrt(0.25 / n) = 0.011; bound: 5 sigma."""
  counts = collections.Counter(drawn(Pool(ARCHITECTURES, seed=0, weights=[1, 0, 2, 3, 4]), range(2000)))
  shares = np.array([counts[architecture] for architecture in ARCHITECTURES]) / 2000
  np.testing.assert_allclose(shares, [0.1, 0, 0.2, 0.3, 0.4], atol=5 * 0.011)


def test_an_empty_pool_is_refused():
  with pytest.raises(ValueError, match="at least one architecture"):
    Pool([], seed=0)


@pytest.mark.parametrize(
  ("options", "message"),
  [
    ({"epochs_per_round": -1}, "epochs_per_round must be at least 0, got -1"),
    ({"pool_size": 0}, "pool_size must be at least 1, got 0"),
    ({"reference_size": 1}, "reference_size must be at least 2, got 1"),
    ({"calibration_batches": 0}, "calibration_batches must be at least 1, got 0"),
    ({"validation_examples": -1}, "validation_examples must be at least 0, got -1"),
    ({"sampling": "best"}, "sampling must be one of uniform, parameters, got 'best'"),
    ({"score": "accuracy"}, "score must be one of loss, reward, got 'accuracy'"),
  ],
)
def test_a_wrong_setting_is_named(options, message):
  with pytest.raises(ValueError, match=message):
    SharingConfig(**options)
