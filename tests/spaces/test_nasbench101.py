import hashlib
import itertools

import numpy as np
import pytest

from nao_tf.spaces import make_space
from nao_tf.spaces.layer_graphs import INPUT, OUTPUT
from nao_tf.spaces.nasbench101 import OPERATIONS, GraphGenotype
from nao_tf.tables import read_table
from tests.support.real_data import data_path

CONV3, CONV1, POOL = OPERATIONS
EDGE = GraphGenotype(((0, 1), (0, 0)), (INPUT, OUTPUT))
# Input -> conv3 -> pool -> output, and input -> output.
CHAIN = GraphGenotype(((0, 1, 0, 1), (0, 0, 1, 0), (0, 0, 0, 1), (0, 0, 0, 0)), (INPUT, CONV3, POOL, OUTPUT))


@pytest.fixture(scope="module")
def space():
  return make_space("nasbench101")


@pytest.fixture(scope="module")
def samples(space):
  rng = np.random.default_rng(0)
  return [space.sample(rng) for _ in range(300)]


def row(edges, operations=(0, 0, 0, 0, 0)):
  """Returns the choices of a graph with these edges (x, y)."""
  return tuple(
    choice for y in range(1, 7) for choice in (*(int((x, y) in edges) for x in range(y)), *operations[y - 1 : y])
  )


def md5(text):
  return hashlib.md5(text.encode()).hexdigest()


def smallest_relabeling(genotype):
  """Decides isomorphism the slow way: the smallest description over all orders of the inner vertices."""
  matrix, size = np.array(genotype.matrix), len(genotype.operations)
  orders = ([0, *inner, size - 1] for inner in itertools.permutations(range(1, size - 1)))
  return min((matrix[np.ix_(o, o)].tolist(), [genotype.operations[i] for i in o]) for o in orders)


def test_there_are_21_edges_and_5_operations(space):
  kinds = [(decision.kind, decision.size) for decision in space.decisions]
  assert kinds.count(("edge", 2)) == 21 and kinds.count(("operation", 3)) == 5 and len(kinds) == 26


def test_a_graph_without_a_path_is_refused(space):
  with pytest.raises(ValueError, match="nasbench101: no path leads from the input to the output"):
    space.validate(row({(0, 1), (1, 2), (3, 6), (2, 5)}))


def test_nine_edges_are_accepted_and_ten_refused(space):
  edges = [(0, 1), (0, 2), (0, 3), (1, 3), (1, 4), (2, 5), (3, 6), (4, 6), (5, 6)]
  space.validate(row(edges))
  with pytest.raises(ValueError, match="at most 9 edges after pruning, got 10"):
    space.validate(row([*edges, (0, 6)]))


def test_edges_that_are_pruned_are_not_counted(space):
  dead = [(x, 5) for x in range(5)] + [(x, 4) for x in range(4)] + [(0, 3), (1, 3)]
  space.validate(row([(0, 1), (1, 6), *dead]))


def test_what_is_pruned_makes_no_difference(space):
  plain = row([(0, 1), (1, 2), (2, 6), (0, 6)], (0, 2, 0, 0, 0))
  noisy = row([(0, 1), (1, 2), (2, 6), (0, 6), (0, 3), (1, 3), (4, 6), (4, 5)], (0, 2, 1, 2, 1))
  assert space.decode(noisy) == space.decode(plain) == CHAIN
  assert space.canonical(noisy) == space.canonical(plain) == plain
  assert space.module_hash(noisy) == space.module_hash(plain)


def test_vertices_that_can_be_exchanged_make_no_difference(space):
  first = row([(0, 1), (0, 2), (1, 6), (2, 6)], (1, 2, 0, 0, 0))
  second = row([(0, 3), (0, 5), (3, 6), (5, 6)], (0, 0, 2, 0, 1))
  assert space.canonical(first) == space.canonical(second) == first


def test_the_canonical_form_tells_graphs_apart_as_trying_all_relabelings_does(space, samples):
  rng = np.random.default_rng(1)
  pool = [b for a in samples for b in (a, space.random_equivalent(a, rng), space.mutate(a, rng))]
  slow = {a: str(smallest_relabeling(space.decode(a))) for a in pool}
  quick = {a: space.canonical(a) for a in pool}
  assert len(set(slow.values())) == len(set(quick.values())) == len({(slow[a], quick[a]) for a in pool})


def test_the_hash_is_equal_exactly_where_the_canonical_form_is(space, samples):
  rng = np.random.default_rng(2)
  pool = [b for a in samples for b in (a, space.random_equivalent(a, rng), space.mutate(a, rng))]
  pairs = {(space.canonical(a), space.module_hash(a)) for a in pool}
  assert len(pairs) == len({canonical for canonical, _ in pairs}) == len({hash_ for _, hash_ in pairs})


def test_equivalents_keep_the_network_and_reach_its_other_encodings(space):
  rng = np.random.default_rng(3)
  architecture = space.encode(CHAIN)
  encodings = {space.random_equivalent(architecture, rng) for _ in range(300)}
  assert {space.canonical(encoding) for encoding in encodings} == {space.canonical(architecture)}
  assert len(encodings) == 10  # Two inner vertices in one order, in two of five places.


def test_the_hash_of_a_single_edge_is_that_of_the_definition(space):
  source, sink = md5("(1, 0, -1)"), md5("(0, 1, -2)")
  for _ in range(2):
    source, sink = md5(f"|{sink}|{source}"), md5(f"{source}||{sink}")
  assert space.module_hash(space.encode(EDGE)) == md5(str(sorted([source, sink])))


def test_encode_is_the_inverse_of_decode(space, samples):
  for architecture in samples:
    genotype = space.decode(architecture)
    assert space.decode(space.encode(genotype)) == genotype
    assert space.canonical(space.encode(genotype)) == space.canonical(architecture)


@pytest.mark.parametrize(
  "matrix, operations, message",
  [
    (
      ((0, 1), (0, 0)),
      (INPUT, CONV3, OUTPUT),
      "as many rows as operations, 2 to 7, got 2 rows of .2. and 3 operations",
    ),
    (((0, 1, 1), (0, 0)), (INPUT, OUTPUT), r"got 2 rows of \[2, 3\]"),
    (((0,),), (OUTPUT,), "2 to 7"),
    (((0, 1), (1, 0)), (INPUT, OUTPUT), "from earlier to later vertices only"),
    (((0, 1), (0, 0)), (OUTPUT, INPUT), "expected operations input, any of"),
    (((0, 1, 0), (0, 0, 1), (0, 0, 0)), (INPUT, "conv5x5", OUTPUT), "conv5x5"),
    (((0, 0), (0, 0)), (INPUT, OUTPUT), "no path"),
  ],
)
def test_a_genotype_of_another_space_is_refused(space, matrix, operations, message):
  with pytest.raises(ValueError, match=message):
    space.encode(GraphGenotype(matrix, operations))


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_canonical_forms_are_the_rows_of_the_real_table(space):
  table = read_table(data_path("nas/nasbench101.npz"))
  canonical = set()
  for number in range(len(table)):
    architecture = table.architecture_of(number)
    assert table.row(architecture) == number
    canonical.add(space.canonical(architecture))
  assert len(canonical) == len(table) == 423_624


@pytest.mark.parametrize("edge", [0.7, True, 2, -1, "1", None, [1], 10**400])
def test_an_edge_is_0_or_1(space, edge):
  matrix = ((0, 1, edge), (0, 0, 1), (0, 0, 0))
  with pytest.raises(ValueError, match=r"expected an integer from 0 to 1 for 'matrix\[0\]\[2\]'"):
    space.encode(GraphGenotype(matrix, (INPUT, CONV3, OUTPUT)))


@pytest.mark.parametrize("operation", [None, 0, [], ["conv"], "conv9x9"])
def test_an_inner_operation_is_one_of_three(space, operation):
  with pytest.raises(ValueError, match="nasbench101: expected operations input, any of conv3x3"):
    space.encode(GraphGenotype(((0, 1, 0), (0, 0, 1), (0, 0, 0)), (INPUT, operation, OUTPUT)))


def test_a_matrix_of_numpy_becomes_an_architecture_of_python(space):
  architecture = space.encode(GraphGenotype(np.array(CHAIN.matrix, np.int8), CHAIN.operations))
  assert architecture == space.encode(CHAIN) and {type(choice) for choice in architecture} == {int}
