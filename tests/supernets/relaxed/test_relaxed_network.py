import numpy as np
import pytest
import tensorflow as tf

from nao_tf.networks.cell import Cell
from nao_tf.networks.conventions import CONVENTIONS
from nao_tf.networks.image_network import ImageNetworkConfig, plan_cells
from nao_tf.spaces.genotypes import Branch, Node
from nao_tf.spaces.genotypes import Cell as CellOfGenotype
from nao_tf.supernets.relaxed.mixtures import num_edges
from nao_tf.supernets.relaxed.relaxed_cell import RelaxedCell
from nao_tf.supernets.relaxed.relaxed_network import RelaxedImageNetwork, without_affine_norm

DARTS = ("zero", "max3x3", "avg3x3", "identity", "sep3x3", "sep5x5", "dil_sep3x3", "dil_sep5x5")
SEARCH = ImageNetworkConfig(num_cells=2, filters=16, convention="darts", auxiliary=False, dropout_keep=1.0)
SMALL = ImageNetworkConfig(num_cells=1, filters=4, convention="darts", auxiliary=False, dropout_keep=1.0)
CELL = CellOfGenotype(
  (Node(Branch("sep3x3", 0), Branch("identity", 1)), Node(Branch("dil_sep3x3", 2), Branch("identity", 0))), (2, 3)
)
OPERATIONS = ("zero", "identity", "sep3x3", "dil_sep3x3")


@pytest.mark.slow
def test_the_network_of_the_published_search_has_its_number_of_parameters():
  with tf.Graph().as_default():
    network = RelaxedImageNetwork(DARTS, SEARCH)
    assert sum(int(np.prod(weight.shape)) for weight in network.trainable_weights) == 1_930_618


def one_hot(cell):
  """Returns the mixture that stands for a discrete cell."""
  mixture = np.zeros((num_edges(len(cell.nodes)), len(OPERATIONS)), np.float32)
  mixture[:, 0] = 1.0
  for node, branches in enumerate(cell.nodes):
    for branch in branches:
      edge = num_edges(node) + branch.source
      mixture[edge] = np.eye(len(OPERATIONS))[OPERATIONS.index(branch.operation)]
  return mixture


def copy_weights(relaxed, discrete):
  """Gives the discrete cell the weights of the relaxed one on the edges and operations that it has."""
  pairs = list(zip(relaxed.calibrations, discrete.calibrations))
  for number, branch in enumerate(discrete.branches):
    edge = relaxed.edges[num_edges(number // 2) + branch.source]
    discrete.operations[number].set_weights(edge.operation(OPERATIONS.index(branch.operation)).get_weights())
  for source, target in pairs:
    target.set_weights(source.get_weights())


@pytest.mark.parametrize("place", [0, 1], ids=["normal", "reduction"])
def test_a_mixture_of_one_operation_is_the_discrete_cell(place):
  plan, convention = plan_cells(SMALL)[place], without_affine_norm(CONVENTIONS["darts"])
  shapes = [(None, 8, 8, 4 * 3)] * 2
  relaxed = RelaxedCell(OPERATIONS, 2, plan, convention, seed=1)
  discrete = Cell(CELL, plan.filters, convention, 2, reduction=plan.reduction, raw_previous=plan.raw_previous)
  for cell in (relaxed, discrete):
    cell.build(shapes)
  copy_weights(relaxed, discrete)
  inputs = [tf.random.stateless_normal((3, 8, 8, 12), (seed, 0)) for seed in range(2)]
  for training in (False, True):
    expected = discrete(inputs, training=training)
    found = relaxed(inputs, tf.constant(one_hot(CELL)), training=training)
    np.testing.assert_allclose(found, expected, atol=1e-6, rtol=1e-6)


def test_unknown_operations_are_refused():
  with pytest.raises(ValueError, match="unknown operation sep9x9"):
    RelaxedImageNetwork(("sep9x9",), SMALL)
