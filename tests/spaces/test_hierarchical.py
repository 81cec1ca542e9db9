import itertools
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from nao_tf.networks.descriptions import describe
from nao_tf.spaces.hierarchical import PRIMITIVES, HierarchicalSpace, Level, flat, hierarchical

SMALL = HierarchicalSpace("small", (Level(2, 3), Level(1, 3)))
DEEP = HierarchicalSpace("deep", (Level(2, 3), Level(2, 3), Level(1, 4)))
SIZES = {"convention": "hierarchical", "num_cells": 1, "filters": 4}


def choices(space, levels):
  """Returns the architecture of dicts from (node, source) to choices, one for each motif of each level."""
  rows = zip(levels, space.levels)
  return tuple(motif.get(edge, 0) for motifs, level in rows for motif in motifs for edge in level.edges)


def flat_cell(edges):
  return choices(flat(), [[edges]])


def test_the_spaces_have_the_numbers_of_the_paper():
  assert [level.num_motifs * len(level.edges) for level in hierarchical().levels] == [36, 10]
  assert {decision.size for decision in hierarchical().decisions} == {7} and hierarchical().size == 7**46
  assert len(flat().decisions) == 55 and {decision.size for decision in flat().decisions} == {7}


@pytest.mark.parametrize("space", [hierarchical(), flat(), DEEP], ids=lambda space: space.name)
def test_the_trivial_cell_is_the_identity(space):
  genotype = space.decode(space.trivial())
  assert genotype.primitives == ["identity"]
  assert all(edge.source == edge.node - 1 for level in genotype.levels for motif in level for edge in motif.edges)


def test_a_cell_without_a_way_through_it_is_refused():
  motifs = 2 * [{(1, 0): 1, (2, 1): 1}]
  for cell in ({}, {(1, 0): 1}, {(2, 1): 1}):
    with pytest.raises(ValueError, match="no way of operations leads from the input"):
      SMALL.validate(choices(SMALL, [motifs, [cell]]))
  with pytest.raises(ValueError, match="no way of operations"):
    SMALL.decode(choices(SMALL, [[{}, motifs[1]], [{(2, 0): 1}]]))
  SMALL.validate(choices(SMALL, [[{}, motifs[1]], [{(2, 0): 2}]]))


def test_what_computes_nothing_is_left_out():
  useful, nowhere = {(2, 0): 3, (1, 0): 2}, {(1, 0): 5}
  genotype = SMALL.decode(choices(SMALL, [[useful, nowhere], [{(1, 0): 2, (2, 0): 1, (2, 1): 1}]]))
  ((motif,), (cell,)) = genotype.levels
  assert motif.edges == ((2, 0, "sep3x3"),) and cell.edges == ((2, 0, "motif_1"),)


def test_decoding_names_the_operations():
  genotype = SMALL.decode(choices(SMALL, [[{(2, 0): 1}, {(1, 0): 4, (2, 1): 6}], [{(1, 0): 2, (2, 1): 1}]]))
  assert [[(m.name, m.edges) for m in level] for level in genotype.levels] == [
    [("motif_1", ((2, 0, PRIMITIVES[0]),)), ("motif_2", ((1, 0, PRIMITIVES[3]), (2, 1, PRIMITIVES[5])))],
    [("cell", ((1, 0, "motif_2"), (2, 1, "motif_1")))],
  ]


def test_equal_motifs_are_one():
  motif = {(1, 0): 3, (2, 1): 1}
  twice = choices(SMALL, [[motif, motif], [{(1, 0): 1, (2, 1): 2}]])
  once = choices(SMALL, [[{}, motif], [{(1, 0): 2, (2, 1): 2}]])
  assert SMALL.canonical(twice) == SMALL.canonical(once)


def test_shared_and_separate_operations_differ():
  shared = flat_cell({(1, 0): 1, (2, 1): 4, (3, 1): 5, (10, 2): 6, (10, 3): 6})
  separate = flat_cell({(1, 0): 1, (4, 0): 1, (5, 1): 4, (6, 4): 5, (10, 5): 6, (10, 6): 6})
  assert flat().canonical(shared) != flat().canonical(separate)


def test_identities_do_not_change_the_function():
  space = flat()
  plain = flat_cell({(1, 0): 1, (10, 1): 4, (10, 0): 3})
  longer = flat_cell({(1, 0): 1, (2, 1): 6, (4, 0): 6, (10, 2): 4, (10, 4): 3})
  assert space.function_key(plain) == space.function_key(longer)
  assert space.canonical(plain) != space.canonical(longer)


def test_other_operations_and_separate_weights_are_other_functions():
  space = flat()
  cells = [
    {(1, 0): 1, (2, 1): 4, (3, 1): 5, (10, 2): 6, (10, 3): 6},
    {(1, 0): 1, (4, 0): 1, (5, 1): 4, (6, 4): 5, (10, 5): 6, (10, 6): 6},
    {(1, 0): 2, (2, 1): 4, (3, 1): 5, (10, 2): 6, (10, 3): 6},
    {(1, 0): 1, (2, 1): 4, (10, 2): 6},
  ]
  assert len({space.function_key(flat_cell(cell)) for cell in cells}) == 4


def test_a_motif_is_the_function_of_its_operations():
  motif = {(1, 0): 3, (2, 1): 1}
  nested = choices(SMALL, [[motif, {(2, 0): 4}], [{(1, 0): 1, (2, 1): 2}]])
  assert SMALL.function_key(nested) == flat().function_key(flat_cell({(1, 0): 3, (2, 1): 1, (10, 2): 4}))


@pytest.mark.parametrize("space", [hierarchical(), flat(), DEEP], ids=lambda space: space.name)
@settings(max_examples=40, deadline=None, derandomize=True)
@given(seed=some.integers(0, 2**32 - 1))
def test_equivalents_are_the_same_network(space, seed):
  rng = np.random.default_rng(seed)
  architecture = space.sample(rng)
  other = space.random_equivalent(architecture, rng)
  canonical = space.canonical(architecture)
  assert space.canonical(other) == canonical == space.canonical(canonical)
  assert len({space.function_key(a) for a in (architecture, other, canonical)}) == 1
  costs = {
    (network.parameters, network.multiply_adds)
    for network in (describe(space.decode(a), **SIZES) for a in (architecture, other, canonical))
  }
  assert len(costs) == 1


@settings(max_examples=200, deadline=None, derandomize=True)
@given(row=some.lists(some.integers(0, 6), min_size=46, max_size=46))
def test_any_valid_row_has_a_canonical_form(row):
  space = hierarchical()
  if space.is_valid(row):
    canonical = space.canonical(tuple(row))
    assert space.canonical(canonical) == canonical and space.is_valid(canonical)


def test_in_a_space_that_can_be_listed_the_classes_are_those_of_all_orders():
  space = HierarchicalSpace("listed", (Level(1, 4),))
  edges = [edge for edge in space.levels[0].edges if edge != (3, 0)]
  rows = (dict(zip(edges, row)) for row in itertools.product((0, 1, 2), repeat=len(edges)))
  architectures = [a for a in (choices(space, [[row]]) for row in rows) if space.is_valid(a)]
  classes = {}
  for architecture in architectures:
    classes.setdefault(brute_force(space, architecture), set()).add(space.canonical(architecture))
  assert {len(found) for found in classes.values()} == {1}
  assert len(set.union(*classes.values())) == len(classes) < len(architectures)


def brute_force(space, architecture):
  """Returns the smallest encoding of a cell of four nodes, over both orders of its two inner nodes."""
  edges = {(edge.node, edge.source): edge.operation for edge in space.decode(architecture).cell.edges}
  rows = []
  for order in ((0, 1, 2, 3), (0, 2, 1, 3)):
    moved = {(order[node], order[source]): name for (node, source), name in edges.items()}
    if all(source < node for node, source in moved):
      rows.append(tuple(sorted(moved.items())))
  return min(lift(row) for row in rows)


def lift(row):
  """Returns a cell with its only inner node first, if it has one inner node alone."""
  inner = {node for pair, _ in row for node in pair} - {0, 3}
  places = {2: 1} if inner == {2} else {}
  return tuple(((places.get(n, n), places.get(s, s)), name) for (n, s), name in row)


@pytest.mark.parametrize("width", [9, 4])
def test_symmetric_cells_have_their_canonical_form_at_once(width):
  nodes = range(1, width + 1)
  edges = {(node, 0): 1 for node in nodes} | {(10, node): 2 for node in nodes}
  if width == 4:  # Each node of a second layer reads all nodes of the first but one.
    edges = {(node, 0): 1 for node in nodes} | {(10, 4 + node): 1 for node in nodes}
    edges |= {(4 + node, source): 1 for node in nodes for source in nodes if source != node}
  start, space, rng = time.monotonic(), flat(), np.random.default_rng(0)
  canonical = space.canonical(flat_cell(edges))
  assert {space.canonical(space.random_equivalent(flat_cell(edges), rng)) for _ in range(5)} == {canonical}
  assert time.monotonic() - start < 2


def test_mutations_concern_both_levels_alike_and_add_alter_and_remove_edges():
  space, rng = hierarchical(), np.random.default_rng(0)
  parent = space.sample(rng)
  changes = []
  for _ in range(400):
    mutant = space.mutate(parent, rng)
    ((position, before, after),) = [(i, a, b) for i, (a, b) in enumerate(zip(parent, mutant)) if a != b]
    changes.append((position >= 36, before == 0, after == 0))
  assert 0.4 < np.mean([is_cell for is_cell, _, _ in changes]) < 0.6
  assert {(added, removed) for _, added, removed in changes} == {(True, False), (False, True), (False, False)}


def test_where_hardly_any_mutant_is_valid_one_is_found():
  space = HierarchicalSpace("line", (Level(1, 2),))
  assert {space.mutate((1,), np.random.default_rng(seed)) for seed in range(40)} == {(n,) for n in range(2, 7)}


def test_samples_have_little_of_the_trivial_cell():
  space, rng = hierarchical(), np.random.default_rng(0)
  same = [np.mean(np.array(space.sample(rng)) == np.array(space.trivial())) for _ in range(50)]
  assert 0.1 < np.mean(same) < 0.2  # One in seven by chance.


def test_texts_have_a_bar_between_motifs():
  text = hierarchical().format(hierarchical().trivial())
  assert text.split(" | ")[5:] == ["6 0 6 0 0 6", "1 0 1 0 0 1 0 0 0 1"]


@pytest.mark.parametrize("levels", [[], [Level(2, 4)], [Level(0, 4), Level(1, 4)], [Level(1, 1)]])
def test_levels_that_make_no_cell_are_refused(levels):
  with pytest.raises(ValueError, match="last level|num_motifs|num_nodes"):
    HierarchicalSpace("wrong", levels)
