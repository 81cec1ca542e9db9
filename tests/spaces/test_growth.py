"""How architectures grow: every size is reached from the one before, in every space."""

import numpy as np
import pytest

from nao_tf.spaces import SPACES, make_space
from nao_tf.spaces.bounded import BoundedSpace
from nao_tf.spaces.growth import GrowthByDecisions, growth_of
from nao_tf.spaces.nasbench101 import Nasbench101Growth
from tests.support.toys import ToySpace

MAKERS = {**{name: (lambda name=name: make_space(name)) for name in SPACES}, "toy": ToySpace}


@pytest.mark.parametrize("name", MAKERS)
def test_architectures_grow_by_one_size_and_stay_valid(name):
  space, rng = MAKERS[name](), np.random.default_rng(0)
  growth = growth_of(space)
  smallest = list(growth.smallest())
  assert len({space.canonical(architecture) for architecture in smallest}) == len(smallest)
  for architecture in [*smallest[:5], *(space.sample(rng) for _ in range(5))]:
    size = growth.size_of(architecture)
    assert 1 <= size <= growth.num_sizes
    assert growth.features(architecture) == growth.features(space.canonical(architecture))
    for larger in list(growth.grown(architecture))[:20]:
      space.validate(larger)
      assert growth.size_of(larger) in ((size, size + 1) if size == 1 else (size + 1,))


def test_all_cells_of_nasbench101_grow_from_smaller_ones():
  space = make_space("nasbench101")
  growth = growth_of(space)
  assert isinstance(growth, Nasbench101Growth) and growth.num_sizes == 5
  cells, counts = {space.canonical(architecture) for architecture in growth.smallest()}, []
  for size in (2, 3):
    counts.append(len(cells))
    grown = {space.canonical(larger) for architecture in cells for larger in growth.grown(architecture)}
    cells = {architecture for architecture in grown if growth.size_of(architecture) == size}
  assert [*counts, len(cells)] == [1 + 6, 84, 2441]  # Of two and three, four, and five vertices; so the benchmark.


def test_a_cell_of_nine_edges_grows_as_well():
  space = make_space("nasbench101")
  full = next(
    a for a in map(space.sample, [np.random.default_rng(i) for i in range(999)]) if size_and_edges(a) == (4, 9)
  )
  assert {size_and_edges(larger) for larger in space.growth.grown(full)} == {(5, 9)}


def size_and_edges(architecture):
  space = make_space("nasbench101")
  return space.growth.size_of(architecture), sum(map(sum, space.decode(architecture).matrix))


def test_a_bounded_space_grows_as_the_space_within():
  space = make_space("nasbench101")
  assert growth_of(BoundedSpace(space, lambda architecture: True)) is space.growth


def test_a_space_without_parts_grows_by_decisions_that_leave_their_first_choice():
  growth = growth_of(make_space("nasbench201"))
  assert isinstance(growth, GrowthByDecisions) and growth.num_sizes == 6
  assert len(list(growth.smallest())) == 1 + 6 * 4
  assert growth.size_of((0,) * 6) == 1 and growth.size_of((0, 3, 0, 1, 0, 0)) == 2
  assert len(list(growth.grown((0, 3, 0, 1, 0, 0)))) == 4 * 4
