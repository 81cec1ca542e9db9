"""The cells of progressive search: how many there are, their encodings, and the published one."""

import itertools

import numpy as np
import pytest

from nao_tf.networks.image_costs import ImageCosts
from nao_tf.networks.image_network_config import ImageNetworkConfig
from nao_tf.spaces import make_space
from nao_tf.spaces.genotypes import Branch, Cell, CellGenotype, Node
from nao_tf.spaces.pnas import PnasSpace
from nao_tf.spaces.published import CELLS

SPACE = make_space("pnas")


def test_there_are_136_cells_of_one_block():
  cells = [SPACE.canonical(architecture) for architecture in SPACE.growth.smallest()]
  assert len(cells) == len(set(cells)) == 136
  assert {SPACE.growth.size_of(cell) for cell in cells} == {1}


def test_every_cell_of_two_blocks_grows_from_one_of_one_block():
  grown = [two for one in SPACE.growth.smallest() for two in SPACE.growth.grown(one)]
  assert len(grown) == 136 * (3 * 8) * (3 * 8 + 1) // 2
  few = PnasSpace("few", ("sep3x3", "identity"), max_blocks=2)
  found = {few.canonical(two) for one in few.growth.smallest() for two in few.growth.grown(one)}
  rows = itertools.product([1], *(range(decision.size) for decision in few.decisions[1:]))
  assert found == {few.canonical(row) for row in rows}


def test_the_largest_cells_do_not_grow():
  largest = SPACE.encode(CELLS["PNASNet-5"].genotype)
  assert SPACE.growth.size_of(largest) == SPACE.growth.num_sizes == 5
  assert not list(SPACE.growth.grown(largest))


def test_pnasnet_5_is_in_the_space_and_has_its_published_size():
  genotype = SPACE.decode(SPACE.encode(CELLS["PNASNet-5"].genotype))
  assert genotype == CELLS["PNASNet-5"].genotype
  parts = ImageCosts(ImageNetworkConfig(3, 48, "pnas", auxiliary=False), (32, 32, 3), 10).parts(genotype)
  assert sum(part.parameters for part in parts) == 3_189_082


def test_blocks_that_are_left_out_do_not_matter():
  cell = (1, 0, 3, 1, 2, 2, 4, 0, 0)
  empty = SPACE.parse("2 | 0 3 1 2 | 2 4 0 0" + " | 0 0 0 0" * 3)
  other = SPACE.parse("2 | 0 3 1 2 | 2 4 0 0" + " | 1 7 2 5" * 3)
  assert empty == cell + (0,) * 12 and empty != other
  assert SPACE.canonical(empty) == SPACE.canonical(other) and SPACE.decode(empty) == SPACE.decode(other)
  assert len(SPACE.decode(other).normal.nodes) == 2 and SPACE.decode(other).normal.outputs == (2, 3)


def test_a_mutation_changes_what_is_there():
  rng = np.random.default_rng(0)
  one = SPACE.parse("1 | 0 3 1 2" + " | 0 0 0 0" * 4)
  for _ in range(50):
    assert SPACE.decode(SPACE.mutate(one, rng)) != SPACE.decode(one)
  assert all(SPACE.decode(neighbor) != SPACE.decode(one) for neighbor in SPACE.neighbors(one))
  single = PnasSpace("single", max_blocks=1)
  assert single.mutate((0, 0, 3, 1, 2), rng) != (0, 0, 3, 1, 2)


def one_node(*outputs, operation="sep3x3"):
  return Cell((Node(Branch(operation, 0), Branch("identity", 1)),), outputs)


@pytest.mark.parametrize(
  ("genotype", "message"),
  [
    (
      CellGenotype(one_node(2), one_node(2, operation="max3x3")),
      "has one cell; the normal and the reduction cell differ",
    ),
    (CellGenotype(one_node(1, 2), one_node(1, 2)), r"concatenate all blocks; got the outputs \(1, 2\)"),
    (
      CellGenotype(one_node(2, operation="min2x2"), one_node(2, operation="min2x2")),
      "has no operation min2x2; has sep3x3",
    ),
  ],
)
def test_a_genotype_of_another_space_is_refused(genotype, message):
  with pytest.raises(ValueError, match=message):
    SPACE.encode(genotype)


def test_more_blocks_than_there_are_is_refused():
  with pytest.raises(ValueError, match="cells of at most 2 blocks, got 5"):
    PnasSpace("small", max_blocks=2).encode(CELLS["PNASNet-5"].genotype)


def test_the_number_of_blocks_is_written_and_read_as_such():
  with pytest.raises(ValueError, match=r"pnas: position 0 \(blocks\) must be an integer in \[0, 5\), got -1"):
    SPACE.parse("0" + " | 0 0 0 0" * 5)
