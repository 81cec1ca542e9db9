import numpy as np
import pytest

from nao_tf.spaces import make_space
from nao_tf.spaces.genotypes import Branch, Cell, CellGenotype, Node
from nao_tf.spaces.nasnet import SMALL, NasnetSpace
from nao_tf.spaces.published import CELLS

REDUCTION = "0 7 1 13 0 6 0 14 1 9 0 10 0 14 2 6 1 11 0 7"
# NAONet-A as the first release spells it: (node, type, size) tokens, nodes counted from one.
TOKENS = (
  "1 9 16 2 11 17 3 9 19 2 9 16 1 9 14 2 9 16 1 9 19 5 9 16 2 7 14 1 9 16"
  " 1 9 16 2 11 15 1 9 14 1 11 16 2 9 20 1 12 15 1 11 16 3 9 14 2 12 16 1 9 16"
)


def test_naonet_a_decodes_to_the_published_dag():
  genotype = CELLS["NAONet-A"].genotype
  assert genotype.normal.nodes[0] == Node(Branch("conv3x3", 0), Branch("avg5x5", 1))
  assert genotype.normal.nodes[4] == Node(Branch("identity", 1), Branch("conv3x3", 0))
  assert genotype.reduction.nodes[2] == Node(Branch("conv1x7_7x1", 1), Branch("max2x2", 0))
  assert genotype.normal.loose_ends == (3, 5, 6) and genotype.reduction.loose_ends == (3, 4, 5, 6)


def test_the_two_published_forms_of_naonet_a_differ_in_one_node():
  first, second = CELLS["NAONet-A"].genotype, CELLS["NAONet-A-torch"].genotype
  assert first.normal == second.normal
  assert [a == b for a, b in zip(first.reduction.nodes, second.reduction.nodes)] == [True, True, False, True, True]


def test_the_sixty_tokens_of_the_first_release_are_read():
  assert make_space("nasnet11").parse(TOKENS) == CELLS["NAONet-A"].architecture


def test_tokens_that_are_no_operation_are_refused():
  with pytest.raises(ValueError, match=r"tokens \[9, 15\] at position 1"):
    make_space("nasnet11").parse(TOKENS.replace("1 9 16", "1 9 15", 1))


def test_encode_is_the_inverse_of_decode():
  space, cell = make_space("nasnet5"), CELLS["NAONet-WS"]
  assert space.encode(cell.genotype) == cell.architecture


def test_a_genotype_of_another_space_is_refused():
  with pytest.raises(ValueError, match=r"has no operation .*conv1x1"):
    make_space("nasnet5").encode(CELLS["NAONet-A"].genotype)


def test_operation_codes_outside_the_space_are_refused():
  with pytest.raises(ValueError, match=r"position 1 \(operation\) must be one of \[5, 6.*got 4"):
    make_space("nasnet11").parse(f"{REDUCTION} | {REDUCTION}".replace("0 7", "0 4", 1))


def test_a_string_of_the_wrong_length_is_refused():
  with pytest.raises(ValueError, match="expected 40 numbers, got 20"):
    make_space("nasnet11").parse(REDUCTION)


def test_an_input_that_comes_later_is_refused():
  with pytest.raises(ValueError, match=r"position 0 \(input\) must be an integer in \[0, 2\), got 3"):
    make_space("nasnet11").parse(f"{REDUCTION} | {REDUCTION}".replace("0 7", "3 7", 1))


def test_swapping_any_nodes_branches_keeps_the_canonical_form():
  space, architecture = make_space("nasnet11"), CELLS["NAONet-A"].architecture
  for left in range(0, 40, 4):
    swapped = list(architecture)
    swapped[left : left + 4] = swapped[left + 2 : left + 4] + swapped[left : left + 2]
    assert space.canonical(tuple(swapped)) == space.canonical(architecture)


def _renumber(cell, order):
  """Returns the cell with its nodes in another order; `order` lists old nodes, inputs before their readers."""
  new = {0: 0, 1: 1, **{old + 2: i + 2 for i, old in enumerate(order)}}
  return Cell(tuple(Node(*(Branch(b.operation, new[b.source]) for b in cell.nodes[old])) for old in order))


def test_renumbering_nodes_keeps_the_canonical_form():
  space, genotype = make_space("nasnet11"), CELLS["NAONet-A"].genotype
  for order in ((2, 0, 1, 3, 4), (4, 2, 0, 1, 3), (0, 4, 2, 3, 1)):
    other = CellGenotype(_renumber(genotype.normal, order), genotype.reduction)
    assert space.encode(other) != space.encode(genotype)
    assert space.canonical(space.encode(other)) == space.canonical(space.encode(genotype))


def test_random_renumberings_and_swaps_keep_the_canonical_form():
  space, rng = make_space("nasnet5"), np.random.default_rng(0)
  for _ in range(200):
    genotype = space.decode(space.sample(rng))
    cell, order, placed = genotype.normal, [], {0, 1}
    while len(order) < 5:
      ready = [i for i, node in enumerate(cell.nodes) if i not in order and {b.source for b in node} <= placed]
      order.append(int(rng.choice(ready)))
      placed.add(order[-1] + 2)
    other = space.random_equivalent(space.encode(CellGenotype(_renumber(cell, order), genotype.reduction)), rng)
    assert space.canonical(other) == space.canonical(space.encode(genotype))


def test_different_networks_have_different_canonical_forms():
  space, rng = make_space("nasnet5"), np.random.default_rng(0)
  architecture = CELLS["NAONet-WS"].architecture
  for operation in range(5):
    other = (*architecture[:1], operation, *architecture[2:])
    assert (space.canonical(other) == space.canonical(architecture)) == (other == architecture)
  del rng


def test_equivalents_swap_one_node_of_each_cell():
  space, architecture = make_space("nasnet11"), tuple(range(40))
  other = space.random_equivalent(architecture, np.random.default_rng(0))
  changed = [i // 4 for i, (a, b) in enumerate(zip(architecture, other)) if a != b]
  assert len(changed) == 8 and len(set(changed)) == 2 and min(changed) < 5 <= max(changed)


def test_cells_may_have_another_number_of_nodes():
  space, rng = NasnetSpace("pairs", SMALL, num_nodes=2), np.random.default_rng(0)
  architecture = space.sample(rng)
  assert len(space.decisions) == len(architecture) == 16
  genotype = space.decode(architecture)
  assert [len(cell.nodes) for cell in (genotype.normal, genotype.reduction)] == [2, 2]
  assert space.encode(genotype) == space.parse(space.format(architecture)) == architecture
  for change in (space.random_equivalent, space.random_isomorphic):
    assert space.canonical(change(architecture, rng)) == space.canonical(architecture)
  with pytest.raises(ValueError, match="expected an integer of at least 1 for .num_nodes., got 0"):
    NasnetSpace("none", SMALL, num_nodes=0)


@pytest.mark.parametrize(
  ("name", "cell", "num_operations"),
  [("nasnet13", "NASNet-A", 13), ("amoebanet8", "AmoebaNet-A", 8), ("amoebanet19", "AmoebaNet-B", 19)],
)
def test_the_nodes_of_a_published_cell_are_in_the_space_that_it_was_found_in(name, cell, num_operations):
  space, published = make_space(name), CELLS[cell].genotype
  assert len({operation.name for operation in space.operations}) == num_operations
  loose = CellGenotype(Cell(published.normal.nodes), Cell(published.reduction.nodes))
  assert space.decode(space.encode(loose)) == loose


def test_what_an_absent_branch_would_read_does_not_matter():
  space = make_space("snas")
  absent, sep = 0, 4
  cells = [(0, sep, source, absent) + (2, sep, 3, sep) * 3 for source in (0, 1)]
  cells = [(*cell[:6], 1, *cell[7:]) for cell in cells]
  first, second = (space.canonical(space.checked(cell + cell)) for cell in cells)
  assert first == second
  assert space.canonical(space.checked(cells[0] + cells[0][:2] + (1, sep) + cells[0][4:])) != first
