import numpy as np
import pytest

from nao_tf.spaces import make_space
from nao_tf.spaces.autokeras import AutokerasSpace
from nao_tf.spaces.bounded import BoundedSpace
from nao_tf.spaces.layered_moves import morph_plan
from nao_tf.strategies import declared_settings, make_strategy, preferred_by, strategy_class
from nao_tf.trial import Evaluation, Origin, Trial

SPACE = AutokerasSpace()


def width_of(architecture):
  return Evaluation(float(sum(SPACE.decode(architecture).widths)))


def drive(strategy, num_batches, batch_size=4):
  trials: list[Trial] = []
  for _ in range(num_batches):
    asked = [Trial(len(trials) + i, a, strategy.origin(a)) for i, a in enumerate(strategy.ask(batch_size))]
    closed = [trial.close(width_of(trial.architecture)) for trial in asked]
    strategy.tell(closed)
    trials += closed
  return trials


@pytest.fixture(scope="module")
def trials():
  return drive(make_strategy("autokeras", SPACE), 5)


def test_it_begins_with_the_first_network_of_the_space(trials):
  assert (trials[0].architecture, trials[0].origin) == (SPACE.initial, Origin("initial"))


def test_every_other_network_can_become_of_its_parent_by_morphisms(trials):
  for trial in trials[1:]:
    assert trial.origin.kind == "morphism" and str(trial.origin) == f"morphism of #{trial.origin.parents[0]}"
    parent = next(other for other in trials if other.id == trial.origin.parents[0])
    assert parent.id < trial.id
    assert morph_plan(SPACE.decode(parent.architecture), SPACE.decode(trial.architecture)) is not None


def test_networks_become_better(trials):
  rewards = [trial.reward for trial in trials]
  assert np.mean(rewards[-8:]) > np.mean(rewards[:4]) + 1


def test_a_first_network_that_was_told_is_the_parent_of_the_first_proposals():
  strategy = make_strategy("autokeras", SPACE)
  strategy.tell([Trial(7, SPACE.initial, evaluation=width_of(SPACE.initial))])
  assert {strategy.origin(architecture) for architecture in strategy.ask(4)} == {Origin("morphism", (7,))}


def test_bounds_are_kept():
  bounded = BoundedSpace(SPACE, lambda architecture: len(SPACE.decode(architecture).widths) <= 8)
  trials = drive(make_strategy("autokeras", bounded), 4)
  assert len(trials) == 16 and all(bounded.is_admitted(trial.architecture) for trial in trials)


def test_it_searches_spaces_without_morphisms_or_graphs():
  strategy = make_strategy("autokeras", make_space("nasnet5"))
  for round_ in range(3):
    asked = strategy.ask(4)
    strategy.tell([Trial(4 * round_ + i, a, evaluation=Evaluation(float(sum(a)))) for i, a in enumerate(asked)])
  assert {strategy.origin(architecture).kind for architecture in asked} <= {"mutation", "random"}


def test_it_says_which_space_and_which_evaluator_it_is_made_for():
  assert preferred_by("autokeras", "preferred_space") == SPACE.name
  assert preferred_by("autokeras", "preferred_evaluator") == "inherited"
  assert preferred_by("nao", "preferred_space") is None
  assert declared_settings("autokeras").config_class is strategy_class("autokeras").config_class
