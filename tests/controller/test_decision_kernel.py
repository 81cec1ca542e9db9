import numpy as np
import pytest

from nao_tf.benchmarks.synthetic_spaces import Branches, Training, Widths
from nao_tf.controller.decision_kernel import DecisionKernel
from nao_tf.spaces import make_space
from nao_tf.spaces.layer_graphs import INPUT, OUTPUT
from nao_tf.spaces.nasbench101 import OPERATIONS, GraphGenotype, Nasbench101Space
from nao_tf.spaces.nasbench201 import Nasbench201Space


def chain(*operations):
  """Returns a cell of these operations, one after the other."""
  size = len(operations) + 2
  matrix = tuple(tuple(int(y == x + 1) for y in range(size)) for x in range(size))
  return Nasbench101Space().encode(GraphGenotype(matrix, (INPUT, *operations, OUTPUT)))


def kernel_of(space, rows, columns, **options):
  kernel = DecisionKernel(space, **options)
  rng = np.random.default_rng(0)
  return kernel.between(kernel.encodings(rows, rng), kernel.encodings(columns, rng), np.exp(kernel.mean))


def test_an_architecture_is_like_itself_and_less_like_others():
  rows = [(0, 0, 0, 0, 0, 0), (9, 5, 4, 2, 3, 2), (0, 0, 0, 1, 0, 0)]
  found = kernel_of(Training(), rows, rows)
  np.testing.assert_allclose(np.diag(found), 1, rtol=1e-5)
  assert (found[~np.eye(3, dtype=bool)] < 1).all() and found[0, 1] < found[0, 2]


def test_choices_of_an_ordered_decision_are_the_less_alike_the_further_they_are_apart():
  rows = [(width, 2, 2, 2, 2, 2, 2, 2) for width in range(5)]
  similar = kernel_of(Widths(), rows[:1], rows)[0]
  assert (np.diff(similar) < 0).all()


def test_choices_of_a_categorical_decision_are_all_as_far_apart():
  rows = [(0, 0, 0, 0, activation, 0) for activation in range(4)]
  similar = kernel_of(Training(), rows[:1], rows)[0]
  assert similar[1] == pytest.approx(similar[2]) == pytest.approx(similar[3])


def test_permuted_branches_are_the_same_network():
  one, permuted, other = (0, 1, 2, 3, 1, 4, 0, 2), (1, 4, 0, 2, 0, 1, 2, 3), (2, 2, 2, 3, 1, 4, 0, 0)
  found = kernel_of(Branches(), [one], [permuted, other])[0]
  assert found[0] == pytest.approx(1) and found[1] < 0.9


@pytest.mark.parametrize("space", [Widths(), Branches(), Nasbench101Space()], ids=lambda space: space.name)
def test_where_all_encodings_are_one_network_the_canonical_one_is_read(space):
  rng = np.random.default_rng(0)
  rows = [space.sample(rng) for _ in range(5)]
  found = DecisionKernel(space, num_encodings=4).encodings(rows, rng)
  assert found.tolist() == [[list(space.canonical(row)) for row in rows]]


def test_where_other_networks_compute_the_same_several_are_read():
  space = Nasbench201Space()
  rows = [space.sample(np.random.default_rng(0))]
  assert DecisionKernel(space, num_encodings=4).encodings(rows, np.random.default_rng(0)).shape == (4, 1, 6)


def test_cells_that_compute_the_same_are_alike():
  space = Nasbench201Space()
  same = [row for row in space.enumerate() if space.function_key(row) == space.function_key((0, 0, 0, 3, 0, 0))]
  kernel = DecisionKernel(space, num_encodings=50)
  rng = np.random.default_rng(0)
  one, other = kernel.encodings(same[:1], rng), kernel.encodings(same[-1:], rng)
  plain = DecisionKernel(space, num_encodings=1).between(one[:1], other[:1], np.exp(kernel.mean))
  assert kernel.between(one, other, np.exp(kernel.mean)) > plain


def test_distances_add_up_to_the_kernel():
  space = Training()
  rng = np.random.default_rng(1)
  rows = [space.sample(rng) for _ in range(6)]
  kernel = DecisionKernel(space)
  weights = np.exp(rng.normal(size=kernel.num_weights))
  whole = np.exp(-np.tensordot(weights, kernel.distances(rows), 1))
  encodings = kernel.encodings(rows, rng)
  np.testing.assert_allclose(kernel.between(encodings, encodings, weights), whole, rtol=1e-3, atol=1e-5)


def test_where_a_network_has_several_encodings_graphs_are_compared_too():
  """Two chains of as many vertices, of which the second begins with another operation."""
  space = Nasbench101Space()
  conv3, conv1, pool = OPERATIONS
  cell = chain(conv3, conv1, pool)
  longer, other = chain(conv3, conv3, conv1, pool), chain(conv1, pool, conv3, conv3)
  plain = kernel_of(space, [cell], [longer, other], compares_graphs=False)[0]
  found = kernel_of(space, [cell], [longer, other])[0]
  assert found[0] / found[1] > 1.2 * plain[0] / plain[1]


@pytest.mark.parametrize(
  "space", [Widths(), Branches(), Nasbench201Space(), make_space("nas_rl")], ids=lambda space: space.name
)
def test_where_there_are_no_graphs_or_places_have_a_meaning_graphs_are_not_compared(space):
  kernel, plain = DecisionKernel(space), DecisionKernel(space, compares_graphs=False)
  np.testing.assert_array_equal(kernel.mean, plain.mean)


def test_distances_of_graphs_add_up_to_the_kernel():
  space = Nasbench101Space()
  rng = np.random.default_rng(1)
  rows = [space.sample(rng) for _ in range(6)]
  kernel = DecisionKernel(space)
  weights = np.exp(rng.normal(size=kernel.num_weights) - 3)
  whole = np.exp(-np.tensordot(weights, kernel.distances(rows), 1))
  encodings = kernel.encodings(rows, rng)
  np.testing.assert_allclose(kernel.between(encodings, encodings, weights), whole, rtol=1e-3, atol=1e-5)
