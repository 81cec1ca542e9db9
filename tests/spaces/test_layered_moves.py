import numpy as np
import pytest

from nao_tf.spaces.autokeras import AutokerasSpace
from nao_tf.spaces.layered_genotypes import Convolution, LayeredGenotype, Skip
from nao_tf.spaces.layered_moves import inserted, morph_plan

SPACE = AutokerasSpace()
PAIR = ((Convolution(3, 1), Convolution(3, 2)), (Convolution(3, 4), Convolution(1, 4)))
BASE = LayeredGenotype(PAIR, (), (Skip(1, 3, "add"),))


def test_a_new_layer_is_as_wide_as_the_one_in_front_of_it():
  grown = inserted(BASE, 1, 0, 5)
  assert grown.stages[0] == (Convolution(3, 1), Convolution(5, 1), Convolution(3, 2))
  assert inserted(BASE, 4, 2, 1).dense == (4,)


def test_a_skip_connection_from_the_layer_in_front_begins_at_the_new_one():
  assert inserted(BASE, 2, 0, 3).skips == (Skip(2, 4, "add"),)


def test_a_new_layer_behind_a_pool_leaves_the_source_of_a_skip_connection_where_it_is():
  assert inserted(BASE, 2, 1, 3).skips == (Skip(1, 4, "add"),)


@pytest.mark.parametrize("seed", range(40))
def test_there_is_a_plan_for_every_chain_of_morphisms(seed):
  rng = np.random.default_rng(seed)
  start = architecture = SPACE.initial if seed % 2 else SPACE.sample(rng)
  for _ in range(rng.integers(1, 8)):
    children = list(SPACE.morphisms(architecture))
    architecture = children[rng.integers(len(children))] if children else architecture
  assert morph_plan(SPACE.decode(start), SPACE.decode(architecture)) is not None


def test_one_morphism_is_a_plan_of_one():
  architecture = SPACE.sample(np.random.default_rng(0))
  parent = SPACE.decode(architecture)
  plans = [morph_plan(parent, SPACE.decode(child)) for child in SPACE.morphisms(architecture)]
  assert {plan.num_morphisms for plan in plans} == {1}


@pytest.mark.parametrize(
  "other",
  [
    LayeredGenotype(PAIR, (), ()),
    LayeredGenotype(PAIR[::-1], (), (Skip(1, 3, "add"),)),
    LayeredGenotype(((Convolution(5, 1), *PAIR[0][1:]), PAIR[1]), (), BASE.skips),
    LayeredGenotype(((Convolution(3, 1), Convolution(3, 1)), PAIR[1]), (), BASE.skips),
    LayeredGenotype((*PAIR, PAIR[0]), (), BASE.skips),
    LayeredGenotype(PAIR, (), (Skip(1, 3, "concat"),)),
  ],
)
def test_there_is_no_plan_to_a_network_that_lacks_something(other):
  assert morph_plan(BASE, other) is None
  assert morph_plan(BASE, BASE).num_morphisms == 0
