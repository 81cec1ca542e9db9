import pytest

from nao_tf.spaces import make_space
from nao_tf.spaces.published import CELLS


@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
def test_published_strings_are_what_format_writes(cell):
  assert make_space(cell.space).format(cell.architecture) == cell.text


@pytest.mark.parametrize(
  "name, normal, reduction",
  [("NAONet-A", 3, 4), ("NAONet-A-torch", 3, 4), ("NAONet-B", 3, 3), ("NAONet-WS", 4, 4), ("NAONet-V2", 4, 4)],
)
def test_loose_ends_are_as_many_as_published(name, normal, reduction):
  genotype = CELLS[name].genotype
  assert (len(genotype.normal.loose_ends), len(genotype.reduction.loose_ends)) == (normal, reduction)
