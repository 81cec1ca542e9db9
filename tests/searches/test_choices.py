import pytest

from nao_tf.evaluators import EvaluatorContext
from nao_tf.searches import choices
from nao_tf.spaces import make_space
from nao_tf.strategies.random_search import RandomSearch
from tests.support.tiny_cells import FirstChoice, TinyCells

PLACE = "tests.support.tiny_cells:TinyCells"


def test_choices_are_recorded_by_names_that_make_them_again():
  assert choices.recorded_name("nasnet5") == choices.recorded_name(make_space("nasnet5")) == "nasnet5"
  assert choices.recorded_name(TinyCells()) == choices.recorded_name(PLACE) == PLACE
  assert choices.recorded_name(RandomSearch) == choices.recorded_name(RandomSearch(TinyCells()))
  assert choices.space_of(PLACE).name == choices.space_of(TinyCells()).name


def test_a_strategy_that_was_asked_is_refused():
  space = TinyCells()
  strategy = choices.strategy_of(RandomSearch, space, 3)
  assert strategy.seed == 3 and choices.strategy_of(strategy, space, 4) is strategy
  choices.check_strategy(strategy, space, bounded=False)
  strategy.ask(1)
  with pytest.raises(
    ValueError, match="expected a fresh strategy, got one that has already made proposals .num_asked=1"
  ):
    choices.check_strategy(strategy, space, bounded=False)


def test_evaluators_are_made_or_taken():
  ready = FirstChoice()
  for given in (ready, FirstChoice, "tests.support.tiny_cells:FirstChoice"):
    choices.check_evaluator(given)
    evaluator = choices.evaluator_of(given, EvaluatorContext(TinyCells()))
    assert isinstance(evaluator, FirstChoice) and (evaluator is ready) == (given is ready)


def test_what_is_no_space_is_an_error():
  with pytest.raises(ValueError, match="expected the name of a space, or a space, got 3"):
    choices.space_of(3)


def test_a_strategy_may_be_made_for_a_space_and_an_evaluator():
  for name, expected in (("preferred_space", "autokeras"), ("preferred_evaluator", "inherited")):
    assert choices.preferred("autokeras", name) == expected
    assert (
      choices.preferred(RandomSearch, name) is choices.preferred("random", name) is choices.preferred(3, name) is None
    )
