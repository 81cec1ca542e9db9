import pytest

from nao_tf.spaces.genotypes import Branch, Cell, CellGenotype, Node
from nao_tf.spaces.published import CELLS


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
