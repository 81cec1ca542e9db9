import copy
import re

import numpy as np
import pytest

from nao_tf.spaces import make_space
from nao_tf.spaces.genotypes import Branch, Cell, CellGenotype, LstmGenotype, Node, genotype_from_json
from nao_tf.spaces.published import CELLS, RECURRENT_CELLS


@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
def test_a_genotype_survives_json(cell):
  assert CellGenotype.from_json(cell.genotype.to_json()) == cell.genotype


def test_loose_ends_are_the_states_that_nobody_reads():
  nodes = (Node(Branch("identity", 1), Branch("identity", 1)), Node(Branch("identity", 2), Branch("identity", 1)))
  assert Cell(nodes).loose_ends == (0, 3)


STATED = {"nodes": [[["identity", 1], ["zero", 0]]], "outputs": [1, 2]}


def test_a_cell_concatenates_the_states_that_it_names_in_their_order():
  nodes = (Node(Branch("identity", 1), Branch("identity", 1)),)
  assert Cell(nodes, (2, 0)).concatenated == (2, 0) and Cell(nodes).concatenated == (0, 2)


def test_stated_outputs_are_an_object_in_json_and_loose_ends_the_list_of_nodes_as_before():
  genotype = CellGenotype.from_json({"normal": STATED, "reduction": STATED["nodes"]})
  assert (genotype.normal.outputs, genotype.reduction.outputs) == ((1, 2), None)
  assert genotype.to_json() == {"normal": STATED, "reduction": STATED["nodes"]}


@pytest.mark.parametrize("outputs", [[], [1, 1], [3], [-1], [True], [0.5], "1", 1, None], ids=str)
def test_outputs_that_are_no_states_or_repeat_one_are_refused(outputs):
  with pytest.raises(ValueError, match=r"not a cell genotype: normal cell: expected .*'outputs"):
    CellGenotype.from_json({"normal": {**STATED, "outputs": outputs}, "reduction": STATED["nodes"]})


@pytest.mark.parametrize("data", [{}, {"normal": 3, "reduction": []}, {"normal": [[1]], "reduction": []}, None])
def test_what_is_no_genotype_is_refused(data):
  with pytest.raises(ValueError, match="not a cell genotype"):
    CellGenotype.from_json(data)


@pytest.mark.parametrize(
  "genotype", [CELLS["NAONet-A"].genotype, RECURRENT_CELLS["NAO-RNN"].genotype, LstmGenotype()], ids=type
)
def test_every_kind_of_genotype_is_recognized(genotype):
  assert genotype_from_json(genotype.to_json()) == genotype


@pytest.mark.parametrize("data", [{}, {"reduction": []}, [], None, "lstm"])
def test_something_else_is_no_genotype_of_any_kind(data):
  with pytest.raises(
    ValueError,
    match="expected a JSON object with one of normal, motifs, edges, recurrent, lstm, stages, convolutions, got",
  ):
    genotype_from_json(data)


def test_an_lstm_has_nothing_else():
  with pytest.raises(ValueError, match="not an LSTM genotype"):
    genotype_from_json({"lstm": [1]})


NODES = {"normal": CELLS["NAONet-A"].genotype.to_json(), "recurrent": RECURRENT_CELLS["NAO-RNN"].genotype.to_json()}
NO_INTEGERS = [0.7, 1.0, True, "1", None, [], {}, float("nan"), float("inf"), -1, 99, 10**400]


@pytest.mark.parametrize("source", NO_INTEGERS, ids=lambda value: str(value)[:10])
@pytest.mark.parametrize("kind", ["normal", "reduction", "recurrent"])
def test_what_is_no_earlier_state_is_refused_as_a_source_with_its_place(kind, source):
  data = copy.deepcopy(NODES["recurrent" if kind == "recurrent" else "normal"])
  if kind == "recurrent":
    data[kind][3][0] = source
  else:
    data[kind][3][1][1] = source
  place = "node 4" if kind == "recurrent" else f"{kind} cell: .*right branch of node 3"
  with pytest.raises(ValueError, match=rf"not a (cell|recurrent) genotype: .*{place}"):
    genotype_from_json(data)


@pytest.mark.parametrize("name", [None, 1, True, [], {}, ["sep3x3"]])
def test_what_is_no_text_is_refused_as_a_name(name):
  cells, recurrent = copy.deepcopy(NODES["normal"]), copy.deepcopy(NODES["recurrent"])
  cells["normal"][0][0][0] = recurrent["recurrent"][0][1] = name
  for data in (cells, recurrent):
    with pytest.raises(ValueError, match="expected a text for '(operation|activation) of"):
      genotype_from_json(data)


@pytest.mark.parametrize(
  ("data", "message"),
  [
    ({"normal": [], "reduction": []}, "expected at least one node"),
    ({"recurrent": []}, "expected at least one node"),
    ({**NODES["normal"], "extra": 1}, "has an unknown 'extra'"),
    ({**NODES["normal"], **NODES["recurrent"]}, "has an unknown 'recurrent'"),
    ({"normal": NODES["normal"]["normal"]}, "has no 'reduction'"),
    ({**NODES["normal"], "reduction": [[["sep3x3", 0]]]}, "reduction cell: expected a list of 2 for 'node 0'"),
    ({**NODES["normal"], "reduction": [[["sep3x3", 0], ["sep3x3"]]]}, "expected a list of 2 for 'a branch of node 0'"),
    ({**NODES["normal"], "reduction": [[["sep3x3", 0], "ab"]]}, "expected a list of 2 for 'a branch of node 0'"),
    ({"recurrent": [[0, "tanh", 1]]}, "expected a list of 2 for 'node 1'"),
    ({"recurrent": {"0": "tanh"}}, "expected a list for 'nodes'"),
    ({"recurrent": None}, "expected a list for 'nodes'"),
  ],
)
def test_genotypes_of_another_form_are_refused(data, message):
  with pytest.raises(ValueError, match=re.escape(message)):
    genotype_from_json(data)


def test_a_cell_made_in_python_reads_earlier_states_only():
  branch = Branch("identity", 0)
  assert Cell((Node(branch, Branch("identity", np.int64(1))),)).loose_ends == (2,)
  for source in (-1, 2, 0.5, True):
    with pytest.raises(ValueError, match="an integer from 0 to 1 for 'source of the right branch of node 0'"):
      Cell((Node(branch, Branch("identity", source)),))


def test_cells_of_edges_are_read_back():
  genotype = make_space("nasbench201").decode((0, 1, 2, 3, 4, 0))
  assert genotype_from_json(genotype.to_json()) == genotype


@pytest.mark.parametrize(
  ("edges", "message"),
  [
    ([[1, 0]], "edge 0"),
    ([[1, 1, "none"]], "source must be below node 1"),
    ([[1, 0, 3]], "operation must be a name"),
    ([[0, 0, "none"]], "edge 0: node"),
    (7, "edges"),
  ],
)
def test_wrong_edges_are_refused(edges, message):
  with pytest.raises(ValueError, match=message):
    genotype_from_json({"edges": edges})
