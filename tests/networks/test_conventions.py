"""Facts that published implementations differ in, and seeds."""

import numpy as np
import pytest

from nao_tf.networks.conventions import CONVENTIONS, derive_seeds, kernel_initializer


def test_seeds_depend_on_the_seed_and_their_place_alone():
  seeds = derive_seeds(7, 100)
  assert seeds == derive_seeds(7, 100) and seeds[:10] == derive_seeds(7, 10)
  assert len({*seeds, *derive_seeds(8, 100)}) == 200
  assert all(0 <= seed < 2**31 for seed in seeds)


@pytest.mark.parametrize(("convention", "variance"), [("nao", 1 / (9 * 32)), ("torch", 2 / (9 * 64))])
def test_kernels_have_the_variance_of_their_fan(convention, variance):
  """The sample variance of n = 18432 normal values is off by sqrt(2 / n) = 1 % (one sigma)."""
  kernel = np.array(kernel_initializer(CONVENTIONS[convention], 1)((3, 3, 64, 32)))
  assert kernel.var() == pytest.approx(variance, rel=0.05)
