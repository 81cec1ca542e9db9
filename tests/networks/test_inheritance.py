import numpy as np
import pytest

from nao_tf.networks.image_network_config import ImageNetworkConfig
from nao_tf.networks.inheritance import inherit, weights_of
from nao_tf.networks.layered_network import layered_network
from nao_tf.spaces.autokeras import AutokerasSpace
from nao_tf.spaces.layered_moves import morph_plan
from tests.support import morph_cases

SPACE, CONFIG, SHAPE = AutokerasSpace(), ImageNetworkConfig(filters=2), (5, 4, 2)
IMAGES = np.random.default_rng(0).normal(size=(16, *SHAPE)).astype(np.float32)


def make_network(architecture):
  return layered_network(SPACE.decode(architecture), CONFIG, num_classes=3, image_shape=SHAPE)


def trained(architecture, rng):
  network = make_network(architecture)
  morph_cases.randomize(network.classifier, rng)
  return network


def descendant(architecture, num_steps, rng):
  for _ in range(num_steps):
    children = list(SPACE.morphisms(architecture))
    architecture = children[rng.integers(len(children))] if children else architecture
  return architecture


def check_inherited(start, end, rng):
  parent, child = trained(start, rng), make_network(end)
  plan = morph_plan(parent.genotype, child.genotype)
  inherit(child, plan, weights_of(parent), IMAGES, seed=0)
  return morph_cases.difference(parent.classifier, child.classifier, IMAGES)


@pytest.mark.parametrize("seed", range(4))
def test_a_child_computes_what_its_parent_has_computed(seed):
  rng = np.random.default_rng(seed)
  start = SPACE.initial if seed % 2 else SPACE.sample(rng)
  assert check_inherited(start, descendant(start, 6, rng), rng) < 1e-5


@pytest.mark.slow
def test_many_children_compute_what_their_parents_have_computed():
  found = []
  for seed in range(100):
    rng = np.random.default_rng(1000 + seed)
    start = descendant(SPACE.initial, int(rng.integers(8)), rng)
    found.append(check_inherited(start, descendant(start, 5, rng), rng))
  print(f"{len(found)} children after 5 morphisms: largest difference {max(found):.3g}")
  assert max(found) < 1e-5


def test_a_new_norm_is_calibrated():
  rng = np.random.default_rng(0)
  deeper = next(iter(SPACE.morphisms(SPACE.initial)))
  parent, child = trained(SPACE.initial, rng), make_network(deeper)
  plan = morph_plan(parent.genotype, child.genotype)
  inherit(child, plan, weights_of(parent), IMAGES, seed=0)
  (number,) = plan.inserted
  scale, offset, mean, variance = child.classifier.get_layer(f"layer_{number}-norm").get_weights()
  np.testing.assert_allclose(offset, mean)
  np.testing.assert_allclose(scale**2, variance, atol=1e-4)
  assert np.abs(variance - 1).max() > 1e-3


@pytest.mark.parametrize("wrong", [{}, {"logits": [np.zeros((2, 3)), np.zeros(4)]}])
def test_weights_of_another_network_are_refused(wrong):
  parent, child = make_network(SPACE.initial), make_network(SPACE.initial)
  weights = {**weights_of(parent), **wrong} if wrong else {}
  with pytest.raises(ValueError, match="expected weights of the shapes"):
    inherit(child, morph_plan(parent.genotype, child.genotype), weights, IMAGES, seed=0)
