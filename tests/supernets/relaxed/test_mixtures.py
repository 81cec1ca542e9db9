import numpy as np
import pytest
import scipy.stats
import tensorflow as tf
from scipy.special import softmax

from nao_tf.spaces import make_space
from nao_tf.spaces.genotypes import Branch
from nao_tf.spaces.nasnet import DARTS
from nao_tf.spaces.published import CELLS
from nao_tf.supernets.relaxed import mixtures
from nao_tf.supernets.relaxed.relaxations import relaxation_of

OPERATIONS = ("zero", "max3x3", "identity", "sep3x3")


def strengths(seed=0, num_nodes=2, num_operations=4):
  shape = (2, mixtures.num_edges(num_nodes), num_operations)
  return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def test_four_nodes_have_fourteen_edges():
  assert mixtures.num_edges(4) == 14


def test_mixtures_are_distributions():
  logits = tf.constant(strengths())
  drawn = mixtures.concrete_mixture(logits, 0.7, (1, 2))
  for mixture in (mixtures.softmax_mixture(logits), drawn, mixtures.one_hot_mixture(logits, 0.7, (1, 2))):
    np.testing.assert_allclose(tf.reduce_sum(mixture, -1), 1.0, rtol=1e-5)
    assert np.min(mixture) >= 0.0
  np.testing.assert_array_equal(drawn, mixtures.concrete_mixture(logits, 0.7, (1, 2)))


@pytest.mark.parametrize("draw", [mixtures.concrete_mixture, mixtures.one_hot_mixture])
def test_cold_samples_are_operations_with_the_probabilities_of_the_softmax(draw):
  logits, count = tf.constant([0.5, -1.0, 0.0, 1.2]), 20_000
  samples = np.asarray(draw(tf.tile(logits[None], [count, 1]), 1e-3, (3, 4)))
  assert np.mean(samples.max(-1) > 0.999) > 0.99
  observed = np.bincount(samples.argmax(-1), minlength=4)
  assert scipy.stats.chisquare(observed, count * softmax(np.asarray(logits, np.float64))).pvalue > 0.01


def test_the_gradient_through_samples_approaches_that_of_the_expectation():
  logits, values = tf.constant([0.3, -0.4, 0.8]), tf.constant([1.0, 3.0, -2.0])
  with tf.GradientTape() as tape:
    tape.watch(logits)
    exact = tf.reduce_sum(tf.nn.softmax(logits) * values)
  expected = tape.gradient(exact, logits)
  with tf.GradientTape() as tape:
    tape.watch(logits)
    samples = mixtures.concrete_mixture(tf.tile(logits[None], [200_000, 1]), 0.1, (5, 6))
    mean = tf.reduce_mean(tf.linalg.matvec(samples, values))
  np.testing.assert_allclose(tape.gradient(mean, logits), expected, atol=0.05)


def test_the_share_of_the_drawn_operation_alone_passes_a_gradient_on():
  logits, upstream, temperature = tf.constant(strengths()), strengths(1), 2.0
  with tf.GradientTape() as tape:
    tape.watch(logits)
    hard = mixtures.one_hot_mixture(logits, temperature, (1, 2))
    value = tf.reduce_sum(hard * upstream)
  soft = mixtures.concrete_mixture(logits, temperature, (1, 2)).numpy()
  np.testing.assert_array_equal(hard, np.eye(4)[soft.argmax(-1)])
  of_drawn = np.sum(hard * upstream * soft, -1, keepdims=True)
  np.testing.assert_allclose(tape.gradient(value, logits), of_drawn * (hard - soft) / temperature, rtol=1e-4, atol=1e-6)


def test_the_likeliest_mixture_has_one_operation_on_each_edge():
  logits = strengths()
  np.testing.assert_array_equal(mixtures.likeliest_mixture(tf.constant(logits)), np.eye(4)[logits.argmax(-1)])


def test_entropy_falls_from_that_of_all_operations_to_none():
  assert mixtures.entropy(np.zeros((2, 5, 4))) == pytest.approx(np.log(4))
  assert mixtures.entropy(100.0 * np.eye(4)[np.zeros((2, 5), int)]) == pytest.approx(0.0, abs=1e-12)


def test_a_derived_cell_has_the_best_operations_on_the_two_strongest_edges():
  logits = np.zeros((2, 5, 4))
  logits[:, :, 0] = 9.0  # The absent operation is left out even where it is the likeliest.
  logits[0, 0, 3], logits[0, 1, 1] = 8.0, 7.0
  logits[0, 2, 2], logits[0, 4, 3] = 8.5, 8.0
  cell = mixtures.derive(logits, OPERATIONS, 2).normal
  assert list(cell.nodes[0]) == [Branch("sep3x3", 0), Branch("max3x3", 1)]
  assert list(cell.nodes[1]) == [Branch("identity", 0), Branch("sep3x3", 2)]
  assert cell.concatenated == (2, 3)


def test_edges_that_may_be_absent_are_left_out_where_that_is_likeliest():
  logits = np.zeros((2, 5, 4))
  logits[:, :, 0] = 9.0
  logits[0, 1, 3], logits[0, 2, 1], logits[0, 4, 2] = 9.5, 9.2, 10.0
  cells = mixtures.derive(logits, OPERATIONS, 2, may_be_absent=True)
  assert list(cells.normal.nodes[0]) == [Branch("zero", 0), Branch("sep3x3", 1)]
  assert list(cells.normal.nodes[1]) == [Branch("max3x3", 0), Branch("identity", 2)]
  assert {tuple(node) for node in cells.reduction.nodes} == {(Branch("zero", 0), Branch("zero", 1))}


def test_the_published_cells_of_snas_can_be_derived_in_its_space():
  published, space = CELLS["SNAS-aggressive"].genotype, make_space("snas")
  relaxation = relaxation_of(space)
  names = ("zero", *(operation.name for operation in DARTS))
  strengths = np.tile(np.eye(8)[0], (2, 14, 1))
  for number, cell in enumerate((published.normal, published.reduction)):
    for node, branches in enumerate(cell.nodes):
      for branch in branches:
        edge = mixtures.num_edges(node) + branch.source
        strengths[number, edge] = np.eye(8)[names.index(branch.operation)]
  derived = relaxation.derive(strengths)
  assert space.canonical(space.encode(derived)) == space.canonical(space.encode(published))
  assert space.decode(relaxation.architecture(strengths)) == derived


def test_identities_are_counted_for_each_cell():
  logits = np.zeros((2, 5, 4))
  logits[0, :, 2] = logits[1, :, 3] = 1.0
  assert mixtures.count_identities(mixtures.derive(logits, OPERATIONS, 2)) == (4, 0)


@pytest.mark.parametrize("logits, operations", [(np.zeros((2, 4, 4)), OPERATIONS), (np.zeros((2, 5, 1)), ("zero",))])
def test_strengths_of_another_shape_are_refused(logits, operations):
  with pytest.raises(ValueError, match="expected strengths of shape"):
    mixtures.derive(logits, operations, 2)
