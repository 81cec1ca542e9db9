import numpy as np
import pytest

from nao_tf.controller.vocabulary import Vocabulary
from nao_tf.spaces import make_space
from nao_tf.spaces.nasbench201 import OPERATIONS

CELL = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|nor_conv_1x1~1|nor_conv_3x3~2|"
ARCHITECTURE = (3, 0, 1, 4, 2, 3)


@pytest.fixture(scope="module")
def space():
  return make_space("nasbench201")


def test_the_benchmarks_string_is_read_and_written(space):
  assert space.parse(CELL) == ARCHITECTURE and space.format(ARCHITECTURE) == CELL


def test_the_genotype_names_each_edge(space):
  edges = space.decode(ARCHITECTURE).edges
  assert edges[0] == (1, 0, "nor_conv_3x3") and edges[2] == (2, 1, "skip_connect") and edges[5] == (3, 2, OPERATIONS[3])


def test_there_are_15625_cells(space):
  assert space.size == 15_625


def test_each_edge_has_tokens_of_its_own(space):
  assert Vocabulary.of(space).size == 1 + 6 * 5


def test_cells_that_compute_the_same_are_different_architectures(space):
  first, second = (0, 0, 0, 3, 0, 0), (0, 0, 3, 3, 0, 0)  # The edge 2<-1 reads nothing.
  assert space.canonical(first) == first and space.canonical(second) == second
  assert space.random_equivalent(first, np.random.default_rng(0)) == first


@pytest.mark.parametrize(
  "text, message",
  [
    (CELL.replace("none", "nothing"), "node 2, source 0: expected one of none, .* got nothing~0"),
    (CELL.replace("none~0", "none~1"), "node 2, source 0: .* got none~1"),
    (CELL.rpartition("+")[0], "expected 3 nodes separated by"),
    (CELL + "+|none~0|", r"sources 0 to 3, got '\|none~0\|'"),
    (CELL.replace("|+|", "+"), "expected .operation~source. with sources 0 to 0"),
    ("3 0 1 4 2 3", "expected .operation~source."),
  ],
)
def test_a_malformed_string_is_refused(space, text, message):
  with pytest.raises(ValueError, match=f"nasbench201: .*{message}"):
    space.parse(text)


def test_cells_that_compute_the_same_are_alike(space):
  """Node 1 is the input itself: reading it or the input is one and the same."""
  cell, same = (1, 3, 0, 0, 0, 1), (1, 0, 3, 0, 0, 1)
  assert space.function_key(cell) == space.function_key(same) == (("nor_conv_3x3", (("input", ()),)),)
  found = {space.random_isomorphic(cell, np.random.default_rng(seed)) for seed in range(400)}
  assert {cell, same} <= found and len({space.function_key(other) for other in found}) == 1


def test_an_operation_on_nothing_is_nothing(space):
  assert space.function_key((0, 0, 3, 0, 2, 4)) == space.function_key((0,) * 6) == ()


def test_other_operations_are_not_alike(space):
  assert (
    space.function_key((2, 0, 0, 1, 0, 0))
    == space.function_key((3, 0, 0, 1, 0, 0))
    != space.function_key((0, 0, 0, 2, 0, 0))
  )
  assert space.function_key((2, 0, 0, 0, 2, 0)) != space.function_key((2, 0, 0, 0, 3, 0))


def test_there_are_4930_functions(space):
  assert len({space.function_key(cell) for cell in space.enumerate()}) == 4930
