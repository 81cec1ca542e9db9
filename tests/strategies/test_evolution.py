"""Regularized evolution: the mutations of AmoebaNet, and who is in the population."""

import collections

import numpy as np
import pytest

from nao_tf.spaces import make_space
from nao_tf.spaces.bounded import BoundedSpace
from nao_tf.strategies import make_strategy
from nao_tf.strategies.evolution import EvolutionConfig
from nao_tf.strategies.mutations import CellMutation
from nao_tf.trial import Evaluation, Trial
from tests.support import asking

SPACE = make_space("amoebanet8")
CONFIG = EvolutionConfig(population_size=8, tournament_size=3, mutation="amoebanet")


def test_half_of_the_mutations_are_of_hidden_states_and_half_of_operations_in_both_cells():
  mutate, rng = CellMutation(SPACE), np.random.default_rng(0)
  counts = collections.Counter()
  for _ in range(2000):
    parent = SPACE.sample(rng)
    child = mutate(parent, rng)
    ((position, _),) = [(i, a) for i, (a, b) in enumerate(zip(parent, child)) if a != b]
    counts[SPACE.decisions[position].kind, position < 20] += 1
  assert len(counts) == 4 and all(abs(count - 500) < 5 * np.sqrt(2000 * 0.25 * 0.75) for count in counts.values())


def test_a_child_is_a_mutation_of_a_recent_trial():
  trials = asking.search(make_strategy("evolution", SPACE, config=CONFIG), sum, 60, batch_size=2)
  children = [trial for trial in trials if trial.origin.kind == "mutation"]
  assert len(children) == 52
  for child in children:
    (parent,) = child.origin.parents
    assert sum(a != b for a, b in zip(child.architecture, trials[parent].architecture)) == 1


def test_a_parent_whose_child_is_itself_becomes_young_again():
  strategy = make_strategy("evolution", SPACE, config=CONFIG)
  trials = asking.search(strategy, sum, 200)
  ages = [child.id - child.origin.parents[0] for child in trials if child.origin.kind == "mutation"]
  assert max(ages) > CONFIG.population_size  # Without it, the parent would be dead.
  plain = make_strategy("evolution", SPACE, config=EvolutionConfig(population_size=8, tournament_size=3))
  others = [trial for trial in asking.search(plain, sum, 200) if trial.origin.kind == "mutation"]
  assert max(child.id - child.origin.parents[0] for child in others) <= CONFIG.population_size


def test_one_child_in_twenty_is_its_parent():
  strategy = make_strategy("evolution", SPACE, config=CONFIG)
  strategy.tell([Trial(i, SPACE.sample(np.random.default_rng(i)), evaluation=Evaluation(float(i))) for i in range(8)])
  strategy.num_asked = 8
  strategy.ask(1000)
  assert abs(len(strategy._rejuvenated) - 1000 * 0.05 / 0.95) < 5 * np.sqrt(50)


@pytest.mark.parametrize("name", ["nasnet13", "amoebanet19", "pnas", "rnn12"])
def test_the_mutations_are_those_of_any_space_of_cells(name):
  space = BoundedSpace(make_space(name), lambda architecture: True)
  trials = asking.search(make_strategy("evolution", space, config=CONFIG), sum, 20, batch_size=4)
  assert len({space.canonical(trial.architecture) for trial in trials}) == 20


@pytest.mark.parametrize("name", ["nasbench101", "nasbench201"])
def test_a_space_that_is_not_one_of_cells_is_refused(name):
  with pytest.raises(ValueError, match=f"--evolution_mutation=amoebanet needs a space of cells.*{name} has"):
    make_strategy("evolution", make_space(name), config=CONFIG)


def test_an_unknown_mutation_is_refused():
  with pytest.raises(ValueError, match="mutation must be one of amoebanet, or None, got 'swap'"):
    EvolutionConfig(mutation="swap")
