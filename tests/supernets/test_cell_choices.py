import numpy as np
import tensorflow as tf

from nao_tf.spaces import make_space
from nao_tf.supernets.cell_choices import CellSelectors, is_present


def test_sources_operations_and_loose_ends_are_those_of_the_genotype():
  space, rng = make_space("nasnet5"), np.random.default_rng(0)
  selectors = CellSelectors(5, len(space.operations))
  for _ in range(20):
    architecture = space.sample(rng)
    choices, genotype = selectors.read(tf.constant(architecture, tf.int32)), space.decode(architecture)
    for i, cell in enumerate((genotype.normal, genotype.reduction)):
      branches = [branch for node in cell.nodes for branch in node]
      assert [branch.source for branch in branches] == choices.sources[i].numpy().tolist()
      names = [space.operations[n].name for n in choices.operations[i].numpy()]
      assert [branch.operation for branch in branches] == names
      assert tuple(np.flatnonzero(choices.loose[i])) == cell.loose_ends


def test_selectors_are_numbered_as_their_values_are():
  selectors = CellSelectors(2, 3)
  always = selectors.loose(0, 3), selectors.present(1), selectors.loose(1, 0, unless=(1,)), selectors.present(1, (1,))
  architecture = (0, 2, 1, 1, 1, 0, 2, 2, 0, 0, 1, 1, 0, 1, 2, 2)
  choices = selectors.read(tf.constant(architecture))
  values = selectors.values(choices).numpy()
  assert values[0] == 0
  assert values[selectors.branch(0, 0)] == 0 * 3 + 2 and values[selectors.branch(1, 3)] == 2 * 3 + 2
  np.testing.assert_array_equal(choices.loose, [[0, 0, 0, 1], [0, 0, 0, 1]])
  assert [values[n] for n in always] == [1, 1, 0, 0]  # The reduction cell has one loose end, so it is not present.


def test_a_cell_is_present_unless_its_loose_ends_are_so_many():
  selectors = CellSelectors(2, 3)
  choices = selectors.read(tf.constant((0, 0, 1, 0, 0, 0, 1, 0) * 2))
  assert int(tf.reduce_sum(choices.loose[0])) == 2
  assert is_present(choices, 0, ()) and is_present(choices, 0, {1, 3}) and not is_present(choices, 0, {2})


def test_the_output_has_all_nodes_or_any_number_of_states():
  assert list(CellSelectors(2, 3, concatenates_nodes=True).part_counts) == [2]
  assert list(CellSelectors(2, 3).part_counts) == [1, 2, 3, 4]
