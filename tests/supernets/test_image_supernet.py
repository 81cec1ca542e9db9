"""Shared weights: the network of an architecture is the separate one, in training and in inference."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from nao_tf.networks.conventions import CONVENTIONS
from nao_tf.networks.image_costs import AUXILIARY_HEAD, ImageCosts
from nao_tf.networks.image_network import ImageNetworkConfig, image_network
from nao_tf.spaces import make_space
from nao_tf.spaces.nasnet import SMALL, NasnetSpace
from nao_tf.supernets.image_supernet import ImageSupernet
from tests.support import supernet_cases as supernets
from tests.support import tiny_cells
from tests.support.supernet_cases import FULL, PLAIN, Graphs

STEP = tf.constant(3, tf.int64)


@pytest.fixture(scope="module")
def graphs():
  return Graphs()


def tensor(architecture):
  return tf.constant(architecture, tf.int32)


def set_floats(name):
  keras.backend.set_floatx(name)
  keras.mixed_precision.set_global_policy(name)  # Keras 3 keeps the policy of the first layer of the process.


@pytest.fixture
def double_precision():
  set_floats("float64")
  yield
  set_floats("float32")


def assert_equal_to_separate(graphs, architecture, *, atol=5e-3, rtol=None):
  """Compares outputs in training with drop-path and dropout, gradients, and outputs in inference.

  Batch norm of a channel that is nearly constant magnifies the rounding of sums, whose order differs with the number of
  threads; gradients are large then, and in single precision alike to a few percent only.
  """
  outputs, statistics, gradient = graphs.train(tensor(architecture), STEP)
  network = graphs.separate(architecture, statistics.numpy())
  np.testing.assert_allclose(graphs.infer(tensor(architecture), statistics), network(graphs.images), atol=atol)
  with tf.GradientTape() as tape:
    expected = network(graphs.images, training=True, step=STEP)
    loss = graphs.loss(expected)
  tf.nest.map_structure(lambda a, b: np.testing.assert_allclose(a, b, atol=atol), outputs, expected)
  gradients = [g for g in tape.gradient(loss, network.trainable_weights) if g is not None]
  norm = np.sqrt(sum(float(tf.reduce_sum(tf.convert_to_tensor(g) ** 2)) for g in gradients))
  assert np.linalg.norm(gradient) == pytest.approx(norm, rel=rtol or (1e-3 if norm < 1e4 else 5e-2))


def special_and_random(count, seed=0, **options):
  rng = np.random.default_rng(seed)
  return [supernets.chain(), supernets.skipping(), *(supernets.sample(rng, **options) for _ in range(count))]


def test_the_network_of_a_path_is_the_separate_one(graphs):
  for architecture in special_and_random(2):
    assert_equal_to_separate(graphs, architecture)
  assert graphs.train.experimental_get_tracing_count() == 1
  assert graphs.infer.experimental_get_tracing_count() == 1


def test_it_can_be_called_outside_a_graph(graphs):
  architecture = tensor(supernets.chain())
  _, statistics, _ = graphs.train(architecture, STEP)
  outside = graphs._infer(architecture, statistics)
  np.testing.assert_allclose(outside, graphs.infer(architecture, statistics), atol=1e-3)


@pytest.mark.parametrize("convention", ["nao_ws", "torch"])
def test_it_is_under_other_conventions_too(convention, no_graphs):
  graphs = Graphs(dataclasses.replace(FULL, convention=convention), num_nodes=2)
  rng = np.random.default_rng(1)
  for architecture in (supernets.chain(num_nodes=2), supernets.skipping(2), supernets.sample(rng, num_nodes=2)):
    assert_equal_to_separate(graphs, architecture)


@pytest.mark.parametrize("convention", ["darts", "nao_ws"])
def test_branches_may_be_absent(convention, no_graphs):
  """One of a node, all of a node, and all that read an input; of a reduction, too."""
  space = tiny_cells.absent()
  names = [operation.name for operation in space.operations]
  config = dataclasses.replace(PLAIN, convention=convention)
  graphs = Graphs(config, names, 2, space=space, concatenates_nodes=True)
  one, node, cell = (0, 1, 1, 0, 2, 2, 1, 1), (0, 0, 1, 0, 1, 1, 2, 2), (0, 0, 1, 0, 0, 1, 1, 0)
  for architecture in (one + one, one + node, node + one, cell + node):
    assert_equal_to_separate(graphs, architecture)


@pytest.mark.slow
@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize("space", ["nasnet5", "nasnet11"])
def test_it_is_for_fifty_architectures_of_each_space(space, convention, double_precision):
  space, rng = make_space(space), np.random.default_rng(0)
  names = [operation.name for operation in space.operations]
  graphs = Graphs(dataclasses.replace(FULL, convention=convention), names, 5)
  for architecture in (supernets.chain(num_nodes=5), supernets.skipping(5), *(space.sample(rng) for _ in range(48))):
    assert_equal_to_separate(graphs, architecture, atol=1e-9, rtol=1e-9)
  assert graphs.train.experimental_get_tracing_count() == graphs.infer.experimental_get_tracing_count() == 1


@pytest.mark.slow
@pytest.mark.parametrize("convention", ["nao", "torch"])
def test_it_is_with_the_stem_of_imagenet(convention):
  config = dataclasses.replace(FULL, filters=8, stem="imagenet", convention=convention)
  supernet = ImageSupernet(supernets.OPERATIONS, config, num_nodes=2, num_classes=3, image_shape=(64, 64, 3))
  architecture = tensor(supernets.skipping(2))
  path = supernet.path(architecture)
  weights = tf.gather(supernet.bank.initial(), path.positions)
  outputs = supernet.network(architecture, path, weights)(np.ones((1, 64, 64, 3), np.float32), training=True)
  assert outputs["logits"].shape == (1, 3)


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_a_path_has_the_parameters_of_the_separate_network(convention):
  """Counted by arithmetic, which `test_image_costs` holds against networks that are built."""
  space, rng = NasnetSpace("pairs", SMALL, num_nodes=2), np.random.default_rng(0)
  config = ImageNetworkConfig(num_cells=1, filters=4, convention=convention)
  supernet = ImageSupernet([operation.name for operation in SMALL], config, num_nodes=2, image_shape=(8, 8, 3))
  costs = ImageCosts(config, (8, 8, 3), num_classes=10)
  for architecture in [supernets.chain(num_nodes=2), *(space.sample(rng) for _ in range(2))]:
    path = supernet.path(tensor(architecture))
    sizes = {part.name: part.parameters for part in costs.parts(space.decode(architecture))}
    total = sum(sizes.values())
    assert int(supernet.num_parameters(path)) == total - sizes[AUXILIARY_HEAD]
    assert len(path.positions) == total <= supernet.bank.max_path
    assert int(tf.reduce_sum(path.statistic_sizes)) <= supernet.bank.max_statistics


def tiny(operations=supernets.OPERATIONS, **options):
  config = dataclasses.replace(PLAIN, convention="nao_ws")
  return ImageSupernet(operations, config, num_nodes=3, num_classes=3, image_shape=supernets.IMAGE_SHAPE, **options)


def positions(supernet, architecture, **changes):
  changed = list(architecture)
  for place, choice in changes.items():
    changed[int(place[1:])] = choice
  return supernet.path(tensor(changed)).positions.numpy().tolist()


def test_architectures_share_weights_where_they_do_the_same_and_nowhere_else():
  supernet = tiny()
  one = positions(supernet, supernets.chain())
  other = positions(supernet, supernets.chain(), _4=0)  # The second normal node reads input 0 in place of input 1.
  sizes = [2 * (9 * f + f * f + 2 * f) for f in (4, 8, 16)]
  assert len(set(one)) == len(one) and len(set(one) ^ set(other)) == 2 * sum(sizes)


def test_a_branch_can_have_one_set_of_weights_for_all_states():
  supernet = tiny(weights_per_input=False)
  other = positions(
    supernet, supernets.chain(), _8=1
  )  # The third normal node reads input 1 in place of the first node.
  assert other == positions(supernet, supernets.chain())
  assert supernet.bank.num_weights < tiny().bank.num_weights


def test_weights_begin_as_those_of_a_separate_network():
  """Standard deviations of 432 and more numbers; they have a relative sigma of less than 1 / sqrt(2 * 432) = 0.034."""
  supernet, architecture = tiny(("conv3x3", "identity")), supernets.chain()
  options = {"num_classes": 3, "image_shape": supernets.IMAGE_SHAPE}
  fresh, copied = (
    image_network(supernets.decode(architecture, ("conv3x3", "identity")), supernet.config, seed=seed, **options)
    for seed in (1, 2)
  )
  path = supernet.path(tensor(architecture))
  supernet.copy_to(copied, architecture, tf.gather(supernet.bank.initial(), path.positions).numpy())
  kernels = [pair for pair in zip(fresh.trainable_weights, copied.trainable_weights) if np.prod(pair[0].shape) >= 432]
  assert len(kernels) >= 12
  for one, other in kernels:
    assert np.std(one.numpy()) == pytest.approx(np.std(other.numpy()), rel=5 * 0.034 * 2**0.5)


def test_the_weights_of_another_network_are_refused(graphs):
  network = graphs.separate(supernets.chain())
  weights = np.zeros(len(graphs.supernet.path(tensor(supernets.skipping())).positions), np.float32)
  with pytest.raises(ValueError, match="but the network of another architecture has"):
    graphs.supernet.copy_to(network, supernets.skipping(), weights)


def test_an_unknown_operation_is_named():
  with pytest.raises(ValueError, match="unknown operation sep9x9; known are identity, zero"):
    ImageSupernet(("sep9x9",), PLAIN, image_shape=supernets.IMAGE_SHAPE)
