"""Spaces of which only a part may be proposed."""

import itertools

import numpy as np
import pytest

from nao_tf.spaces import make_space
from nao_tf.spaces.bounded import BoundedSpace
from tests.support.toys import ToySpace

SPACE = BoundedSpace(ToySpace(), lambda architecture: sum(architecture) <= 2)


def test_samples_and_lists_are_what_fits():
  rng = np.random.default_rng(0)
  listed = list(SPACE.enumerate())
  assert listed == [a for a in ToySpace().enumerate() if sum(a) <= 2]
  assert {SPACE.sample(rng) for _ in range(300)} == set(listed)
  assert all(sum(neighbor) <= 2 for neighbor in SPACE.neighbors((0, 0, 0, 1)))


def test_what_does_not_fit_is_valid_but_not_admitted():
  SPACE.validate((2, 2, 1, 1))
  assert not SPACE.is_admitted((2, 2, 1, 1)) and SPACE.is_admitted((0, 0, 1, 1))
  assert SPACE.decode((2, 2, 1, 1)) == "(2, 2, 1, 1)"
  with pytest.raises(ValueError, match="toy: positions 2 and 3 must not both be 0"):
    SPACE.validate((0, 0, 0, 0))


def test_everything_else_is_as_in_the_space_within():
  inner = make_space("nasnet5")
  space = BoundedSpace(inner, lambda architecture: True)
  architecture = inner.sample(np.random.default_rng(3))
  names = ("canonical", "function_key", "format", "decode")
  assert [getattr(space, n)(architecture) for n in names] == [getattr(inner, n)(architecture) for n in names]
  for name in ("random_equivalent", "random_isomorphic", "mutate"):
    rngs = np.random.default_rng(1), np.random.default_rng(1)
    assert getattr(space, name)(architecture, rngs[0]) == getattr(inner, name)(architecture, rngs[1])
  assert list(itertools.islice(space.neighbors(architecture), 9)) == list(
    itertools.islice(inner.neighbors(architecture), 9)
  )
  assert space.parse(inner.format(architecture)) == architecture
  assert (space.name, space.size, space.decisions) == (inner.name, inner.size, inner.decisions)


def test_numbers_of_parameters_are_those_of_the_space_within():
  inner = make_space("nasbench201")
  assert BoundedSpace(inner, lambda architecture: True).parameter_count((3,) * 6) == inner.parameter_count((3,) * 6)
  assert SPACE.parameter_count((0, 0, 1, 1)) is None


def test_a_search_for_a_sample_ends(monkeypatch):
  monkeypatch.setattr("nao_tf.spaces.bounded._SAMPLE_ATTEMPTS", 5)
  with pytest.raises(ValueError, match="toy: none of 5 random architectures fits the bounds of the search"):
    BoundedSpace(ToySpace(), lambda architecture: False).sample(np.random.default_rng(0))
