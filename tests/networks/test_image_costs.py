"""What image networks cost: exactly what they have once they are built, and the published figures."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from nao_tf.networks.conventions import CONVENTIONS
from nao_tf.networks.descriptions import describe
from nao_tf.networks.image_costs import AUXILIARY_HEAD, STEM_COSTS, ImageCosts, stem_costs
from nao_tf.networks.image_network import ImageClassifier, auxiliary_cell, make_auxiliary_head
from nao_tf.networks.image_network_config import AUXILIARY_STRIDES, ImageNetworkConfig
from nao_tf.networks.stems import STEMS
from nao_tf.spaces import make_space
from nao_tf.spaces.nasnet import PAPER, SMALL, NasnetSpace
from nao_tf.spaces.published import CELLS
from tests.support.built_costs import called, num_parameters

CONFIG = ImageNetworkConfig(num_cells=1, filters=5)
SHAPE = (26, 23, 2)
CLASSES = 3


FEW_NODES = {"small": NasnetSpace("small", SMALL, num_nodes=2), "large": NasnetSpace("large", PAPER, num_nodes=2)}
"""The spaces nasnet5 and nasnet11 with fewer nodes: what operations cost has tests of its own."""


def random_genotypes(name, count, seed):
  space, rng = FEW_NODES.get(name) or make_space(name), np.random.default_rng(seed)
  return [space.decode(space.sample(rng)) for _ in range(count)]


def total(parts, name):
  return sum(getattr(part, name) for part in parts)


def without_auxiliary(parts):
  return [part for part in parts if part.name != AUXILIARY_HEAD]


PAIRS = [("cifar", "large"), ("imagenet", "small")]
SLOW_PAIRS = [(stem, space) for stem in ("cifar", "imagenet") for space in ("nasnet5", "nasnet11")]


@pytest.mark.parametrize(
  ("stem", "space"), [*PAIRS, *(pytest.param(*pair, marks=pytest.mark.slow) for pair in SLOW_PAIRS)]
)
@pytest.mark.parametrize("convention", CONVENTIONS)
def test_random_networks_cost_what_they_have(convention, stem, space):
  config = dataclasses.replace(CONFIG, convention=convention, stem=stem)
  (genotype,) = random_genotypes(space, 1, seed=[*map(ord, convention + stem + space)])
  parts = ImageCosts(config, SHAPE, CLASSES).parts(genotype)
  network, multiply_adds = called(lambda: ImageClassifier(genotype, config, CLASSES, SHAPE, 0), SHAPE)
  assert total(without_auxiliary(parts), "parameters") == num_parameters(network)
  assert total(parts, "multiply_adds") == multiply_adds
  shapes = [shape[1:] for shape in network.cell_shapes]
  assert [part.shape for part in parts if part.name.startswith("cell")] == shapes
  layers = [network.stem, *network.cells, network.head]
  assert [part.parameters for part in without_auxiliary(parts)] == [num_parameters(layer) for layer in layers]


@pytest.mark.parametrize("stem", STEMS)
@pytest.mark.parametrize("convention", CONVENTIONS)
def test_the_auxiliary_head_is_counted_for_training_alone(convention, stem):
  config = dataclasses.replace(CONFIG, convention=convention, stem=stem)
  (genotype,) = random_genotypes("nasnet5", 1, seed=5)
  _, *cells, _, part = ImageCosts(config, SHAPE, CLASSES).parts(genotype)
  head = make_auxiliary_head(config, CLASSES, 0)
  with tf.Graph().as_default():
    head.build((None, *cells[auxiliary_cell(config, len(cells))].shape))
  assert part == (AUXILIARY_HEAD, (CLASSES,), num_parameters(head), 0, 0)
  without = dataclasses.replace(config, auxiliary=False)
  assert ImageCosts(without, SHAPE, CLASSES).parts(genotype)[-1].name == "classifier"


@pytest.mark.parametrize(("stem", "shape"), [("cifar", (16, 16, 3)), ("imagenet", (96, 96, 3))])
def test_the_auxiliary_head_is_paid_for_in_training(stem, shape):
  config = dataclasses.replace(CONFIG, stem=stem)
  (genotype,) = random_genotypes("nasnet5", 1, seed=5)
  described = describe(genotype, config, input_shape=shape, num_classes=CLASSES)
  _, *cells, _, _ = described.parts
  features = cells[auxiliary_cell(config, len(cells))].output_shape
  _, multiply_adds = called(lambda: make_auxiliary_head(config, CLASSES, 0), features)
  assert described.auxiliary_multiply_adds == multiply_adds > 0
  assert described.multiply_adds_with_auxiliary == described.multiply_adds + multiply_adds
  without = describe(genotype, dataclasses.replace(config, auxiliary=False), input_shape=shape, num_classes=CLASSES)
  assert without.multiply_adds_with_auxiliary == without.multiply_adds == described.multiply_adds


@pytest.mark.parametrize("name", ["DARTS-V2", "SNAS-aggressive", "NASNet-A", "PNASNet-5", "AmoebaNet-A", "AmoebaNet-B"])
def test_cells_with_stated_outputs_cost_what_they_have(name):
  config, genotype = dataclasses.replace(CONFIG, convention=CELLS[name].convention), CELLS[name].genotype
  parts = ImageCosts(config, SHAPE, CLASSES).parts(genotype)
  network, multiply_adds = called(lambda: ImageClassifier(genotype, config, CLASSES, SHAPE, 0), SHAPE)
  assert total(without_auxiliary(parts), "parameters") == num_parameters(network)
  assert total(parts, "multiply_adds") == multiply_adds


def test_cells_that_are_computed_once_are_those_that_are_equal():
  (genotype,) = random_genotypes("large", 1, seed=1)
  config = dataclasses.replace(CONFIG, num_cells=3)
  parts = ImageCosts(config, SHAPE, CLASSES).parts(genotype)
  network, multiply_adds = called(lambda: ImageClassifier(genotype, config, CLASSES, SHAPE, 0), SHAPE)
  assert [part.parameters for part in parts[1:12]] == [num_parameters(cell) for cell in network.cells]
  assert total(parts, "multiply_adds") == multiply_adds


def test_earlier_genotypes_do_not_change_the_costs_of_later_ones():
  genotypes = random_genotypes("nasnet5", 5, seed=2)
  costs = ImageCosts(CONFIG, SHAPE, CLASSES)
  assert [costs.parts(g) for g in genotypes] == [ImageCosts(CONFIG, SHAPE, CLASSES).parts(g) for g in genotypes]


# Trainable parameters without and with the auxiliary head, and millions of multiply-adds, as measured on the published
# networks (convolutions and dense layers).
CIFAR, IMAGENET = ((32, 32, 3), 10), ((224, 224, 3), 1000)
PUBLISHED = [
  ("NAONet-A-torch", ImageNetworkConfig(6, 36, "torch"), CIFAR, 11_470_150, 11_946_576, 1673.8),
  ("NAONet-A", ImageNetworkConfig(6, 128, "nao"), CIFAR, 145_247_882, 145_847_188, None),
  ("NAONet-WS", ImageNetworkConfig(5, 36, "nao_ws"), CIFAR, 2_466_252, 2_942_668, None),
  ("NAONet-B", ImageNetworkConfig(5, 36, "torch"), CIFAR, 2_492_902, 2_950_896, 395.4),
  ("NAONet-V2", ImageNetworkConfig(6, 36, "torch"), CIFAR, 4_387_654, 4_864_080, 684.2),
  ("NAONet-A-torch", ImageNetworkConfig(4, 42, "torch", "imagenet"), IMAGENET, 11_353_831, 12_603_855, 1244.0),
  ("NAONet-V2", ImageNetworkConfig(4, 52, "torch", "imagenet"), IMAGENET, 7_026_850, 8_297_354, 782.1),
]


@pytest.mark.parametrize(("name", "config", "task", "size", "full_size", "millions"), PUBLISHED)
def test_published_figures(name, config, task, size, full_size, millions):
  parts = ImageCosts(config, *task).parts(CELLS[name].genotype)
  assert (total(without_auxiliary(parts), "parameters"), total(parts, "parameters")) == (size, full_size)
  assert millions is None or round(total(parts, "multiply_adds") / 1e6, 1) == millions


def test_every_stem_states_its_cost():
  assert list(STEM_COSTS) == list(STEMS) == list(AUXILIARY_STRIDES)
  with pytest.raises(ValueError, match="stem 'none': its cost is not known; known are those of cifar, imagenet"):
    stem_costs("none", SHAPE, 4, CONVENTIONS["nao"])


def test_the_memory_of_a_stem_is_what_a_convolution_reads_and_writes():
  stem = ImageCosts(CONFIG, (8, 8, 3), 2).parts(random_genotypes("nasnet5", 1, 0)[0])[0]
  assert stem.values == 8 * 8 * (3 + 15)
  config = ImageNetworkConfig(1, 8, "torch", "imagenet")
  stem = ImageCosts(config, (16, 16, 1), 2).parts(random_genotypes("nasnet5", 1, 0)[0])[0]
  assert stem.values == 16 * 16 * 1 + 8 * 8 * 4
