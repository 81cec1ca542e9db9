"""Bounds on what the networks of a search cost."""

import numpy as np
import pytest

from nao_tf.networks.cost_bounds import CostBounds, bounded_space, genotype_describer, has_known_costs
from nao_tf.networks.image_network_config import ImageNetworkConfig
from nao_tf.networks.language_model_config import LanguageModelConfig
from nao_tf.spaces import make_space
from nao_tf.spaces.genotypes import LstmGenotype

IMAGES = genotype_describer(ImageNetworkConfig(1, 4), (8, 8, 1), 10)
SPACE = make_space("nasnet5")
SAMPLES = [SPACE.sample(np.random.default_rng(seed)) for seed in range(30)]


def costs(name):
  return [getattr(IMAGES(SPACE.decode(architecture)), name) for architecture in SAMPLES]


@pytest.mark.parametrize("name", ["parameters", "multiply_adds"])
def test_only_networks_within_a_bound_are_admitted_the_bound_included(name):
  seen = costs(name)
  bound = sorted(seen)[10]
  space = bounded_space(SPACE, CostBounds(**{f"max_{name}": bound}), IMAGES)
  assert [space.is_admitted(architecture) for architecture in SAMPLES] == [cost <= bound for cost in seen]


def test_two_bounds_hold_both():
  first, second = sorted(costs("parameters"))[20], sorted(costs("multiply_adds"))[20]
  space = bounded_space(SPACE, CostBounds(first, second), IMAGES)
  network = IMAGES(SPACE.decode(space.sample(np.random.default_rng(0))))
  assert network.parameters <= first and network.multiply_adds <= second


def test_encodings_of_one_network_are_admitted_alike():
  rng = np.random.default_rng(1)
  for architecture in SAMPLES:
    other = SPACE.random_isomorphic(architecture, rng)
    first, second = (IMAGES(SPACE.decode(row)) for row in (architecture, other))
    assert (first.parameters, first.multiply_adds) == (second.parameters, second.multiply_adds)


def test_a_bound_that_hardly_anything_is_within_is_refused_with_the_smallest_network_seen():
  with pytest.raises(
    ValueError, match="nasnet5: 0 of 1000 random architectures have at most 10 parameters; the smalle"
  ):
    bounded_space(SPACE, CostBounds(10), IMAGES)
  message = r"at most 10 parameters and at most 5 multiply-adds; the smallest has [\d,]+ parameters and [\d,]+ multiply"
  with pytest.raises(ValueError, match=message):
    bounded_space(SPACE, CostBounds(10, 5), IMAGES)


def test_all_recurrent_cells_cost_the_same():
  described = genotype_describer(LanguageModelConfig(units=5), (), 11)
  size = described(LstmGenotype()).parameters
  with pytest.raises(ValueError, match="rnn12: 0 of 1000 random architectures"):
    bounded_space(make_space("rnn12"), CostBounds(size), described)
  assert bounded_space(make_space("rnn12"), CostBounds(10_000), described).sample(np.random.default_rng(0))


def test_bounds_are_positive():
  with pytest.raises(ValueError, match="expected an integer of at least 1 for 'max_multiply_adds', got 0"):
    CostBounds(max_multiply_adds=0)


def test_costs_are_known_of_image_networks_and_language_models():
  genotype = SPACE.decode(SAMPLES[0])
  assert has_known_costs(genotype, ImageNetworkConfig()) and has_known_costs(LstmGenotype(), LanguageModelConfig())
  assert not has_known_costs(genotype, LanguageModelConfig()) and not has_known_costs("x", ImageNetworkConfig())
