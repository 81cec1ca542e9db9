import pytest

from nao_tf.spaces.genotypes import Branch, Cell, CellGenotype, LstmGenotype, Node, genotype_from_json
from nao_tf.spaces.published import CELLS, RECURRENT_CELLS


@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
def test_a_genotype_survives_json(cell):
  assert CellGenotype.from_json(cell.genotype.to_json()) == cell.genotype


def test_loose_ends_are_the_states_that_nobody_reads():
  nodes = (Node(Branch("identity", 1), Branch("identity", 1)), Node(Branch("identity", 2), Branch("identity", 1)))
  assert Cell(nodes).loose_ends == (0, 3)


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
  with pytest.raises(ValueError, match="expected a JSON object with one of normal, recurrent, lstm, got"):
    genotype_from_json(data)


def test_an_lstm_has_nothing_else():
  with pytest.raises(ValueError, match="not an LSTM genotype"):
    genotype_from_json({"lstm": [1]})
