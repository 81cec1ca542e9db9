import pytest

from nao_tf.networks.conventions import CONVENTIONS
from nao_tf.networks.operations import OPERATIONS
from nao_tf.spaces import make_space
from nao_tf.spaces.published import CELLS, STRINGS


@pytest.mark.parametrize("cell", STRINGS.values(), ids=STRINGS)
def test_published_strings_are_what_format_writes(cell):
  assert make_space(cell.space).format(cell.architecture) == cell.text


@pytest.mark.parametrize(
  "name, normal, reduction",
  [("NAONet-A", 3, 4), ("NAONet-A-torch", 3, 4), ("NAONet-B", 3, 3), ("NAONet-WS", 4, 4), ("NAONet-V2", 4, 4)],
)
def test_loose_ends_are_as_many_as_published(name, normal, reduction):
  genotype = CELLS[name].genotype
  assert (len(genotype.normal.loose_ends), len(genotype.reduction.loose_ends)) == (normal, reduction)


@pytest.mark.parametrize("name", CELLS)
def test_a_published_cell_has_its_own_name_known_operations_and_a_known_convention(name):
  published = CELLS[name]
  cells = published.genotype.normal, published.genotype.reduction
  assert published.name == name and published.convention in CONVENTIONS
  assert {branch.operation for cell in cells for node in cell.nodes for branch in node} <= set(OPERATIONS)


def test_nasnet_a_is_as_wide_as_its_name_says():
  """NASNet-A (6 @ 768): the last cell concatenates six states of 4 * 32 channels."""
  assert len(CELLS["NASNet-A"].genotype.normal.concatenated) * 4 * 32 == 768


def test_cells_with_stated_outputs_are_not_in_a_space_of_loose_ends():
  genotype = CELLS["NASNet-A"].genotype
  with pytest.raises(
    ValueError, match="nasnet5: cells concatenate their loose ends; the normal cell has other outputs"
  ):
    make_space("nasnet5").encode(genotype)
