import numpy as np
import pytest

from nao_tf.controller.neighborhood_terms import NeighborhoodTerms
from nao_tf.spaces import make_space
from nao_tf.spaces.nasbench101 import GraphGenotype
from nao_tf.spaces.neighborhoods import neighborhood_counts
from tests.support.toys import ToySpace


def drawn(space, count, seed=0):
  rng = np.random.default_rng(seed)
  return [space.sample(rng) for _ in range(count)]


@pytest.mark.parametrize("name", ["nasbench101", "nasnet5", "rnn9"])
def test_distances_are_half_of_what_is_not_common(name):
  space = make_space(name)
  one, other = drawn(space, 3), drawn(space, 4, seed=1)
  found = NeighborhoodTerms(space).distances_to(one)(other)
  for row, mine in enumerate(one):
    for column, theirs in enumerate(other):
      pairs = zip(neighborhood_counts(space.graph(mine), 2), neighborhood_counts(space.graph(theirs), 2))
      expected = [0.5 * ((a - b).total() + (b - a).total()) for a, b in pairs]
      np.testing.assert_allclose(found[:, row, column], expected)


def test_a_cell_is_like_one_that_has_its_path_and_another_one():
  """All that is common is at other places of the encodings."""
  space = make_space("nasbench101")
  conv3, conv1, pool = "conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3"
  short = ((0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1), (0, 0, 0, 0))
  long = ((0, 1, 1, 0, 0), (0, 0, 0, 1, 0), (0, 0, 0, 0, 1), (0, 0, 0, 0, 1), (0, 0, 0, 0, 0))
  one = space.encode(GraphGenotype(short, ("input", conv3, conv1, "output")))
  other = space.encode(GraphGenotype(long, ("input", pool, conv3, conv1, "output")))
  others = drawn(space, 50)
  found = NeighborhoodTerms(space).distances_to([one])([other, *others])[0, 0]
  assert found[0] < np.median(found[1:])


def test_random_networks_are_typically_two_apart_before_anything_is_known():
  space = make_space("nasbench101")
  terms, rows = NeighborhoodTerms(space), drawn(space, 100, seed=2)
  whole = np.tensordot(np.exp(terms.mean), terms.distances_to(rows)(rows), 1)
  assert whole[~np.eye(100, dtype=bool)].mean() == pytest.approx(2.0, rel=0.1)


def test_the_kernel_is_positive_semidefinite():
  space = make_space("nasbench201")
  terms, rows = NeighborhoodTerms(space), drawn(space, 60)
  kernel = np.exp(-np.tensordot(np.exp(terms.mean), terms.distances_to(rows)(rows), 1))
  assert np.linalg.eigvalsh(kernel.astype(np.float64)).min() > -1e-5


def test_a_space_without_graphs_is_an_error():
  with pytest.raises(ValueError, match="toy: expected a graph of each architecture, got None for"):
    NeighborhoodTerms(ToySpace())
