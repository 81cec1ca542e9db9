"""The memory of cells, counted by hand. Their parameters and multiply-adds are tested with whole networks."""

import dataclasses

from nao_tf.networks.cell_costs import CellDraft, cell_cost
from nao_tf.networks.conventions import CONVENTIONS
from nao_tf.networks.image_network_config import CellPlan
from nao_tf.networks.operation_costs import operation_cost
from nao_tf.spaces.genotypes import Branch, Cell, Node

PLAN = CellPlan(index=1, filters=4, reduction=False, raw_previous=False, inputs=(1, 2))
MAP = 8 * 8 * 4
"""Values in a map of the cell."""
SEP = Cell((Node(Branch("sep3x3", 0), Branch("identity", 1)),))
TWO = Cell((Node(Branch("conv3x3", 0), Branch("max3x3", 0)), Node(Branch("identity", 1), Branch("identity", 1))))


def peak(cell, convention, inputs, plan=PLAN, *, last=False):
  facts = CONVENTIONS[convention]

  def branch_cost(name, shape, filters, stride):
    return operation_cost(name, shape, filters, stride, facts)

  return cell_cost(CellDraft(cell), plan, facts, inputs, branch_cost, frees=(True, last)).values


def test_while_a_separable_convolution_runs_its_maps_add_to_the_states():
  # In memory: input 1 for the next cell, both states; the first output, and both maps of the second convolution.
  assert peak(SEP, "nao", ((8, 8, 8), (8, 8, 4))) == 3 * MAP + 3 * MAP


def test_an_input_that_is_read_as_it_is_counts_once():
  # State 1 is input 1 itself.
  assert peak(SEP, "torch", ((8, 8, 8), (8, 8, 4))) == 2 * MAP + 3 * MAP


def test_after_the_last_cell_nobody_reads_its_input():
  assert peak(SEP, "nao", ((8, 8, 8), (8, 8, 4)), last=True) == 2 * MAP + 3 * MAP


def test_the_two_inputs_of_the_first_cell_are_one_map():
  first = dataclasses.replace(PLAN, index=0, raw_previous=True)
  wide = ((8, 8, 12), (8, 8, 12))
  # The stem's map is state 0, too, and is read by the separable convolution: its first depthwise output is as wide.
  assert peak(SEP, "nao", wide, first) == (3 + 1) * MAP + (3 + 1) * MAP


def test_a_state_is_kept_until_its_last_reader_and_a_loose_end_until_the_concatenation():
  # Input 1, both states; left and right of the first node; later input 1, both nodes and the concatenation.
  assert peak(TWO, "nao", ((8, 8, 4), (8, 8, 4))) == max(3 + 2, 1 + 2 + 2) * MAP


def test_the_sum_of_two_identities_is_written_beside_them():
  node = Cell((Node(Branch("identity", 1), Branch("identity", 1)), Node(Branch("identity", 2), Branch("identity", 0))))
  # Input 1 and both states, then the first node beside them.
  assert peak(node, "nao", ((8, 8, 4), (8, 8, 4))) == 4 * MAP


def test_a_draft_knows_who_reads_a_state_last():
  draft = CellDraft(TWO)
  assert (draft.released, draft.outputs, draft.num_nodes) == ([[0], [1]], [2, 3], 2)


def test_a_state_that_is_concatenated_is_kept_though_nodes_read_it():
  assert CellDraft(Cell(TWO.nodes, (0, 3))).released == [[], [1]]


def test_an_input_that_a_later_cell_reads_again_is_kept():
  assert peak(SEP, "nao", ((8, 8, 8), (8, 8, 4))) == 6 * MAP
  facts = CONVENTIONS["nao"]
  cost = cell_cost(
    CellDraft(SEP),
    PLAN,
    facts,
    ((8, 8, 8), (8, 8, 4)),
    lambda *args: operation_cost(*args, facts),
    frees=(False, False),
  )
  assert cost.values == (6 + 2) * MAP
