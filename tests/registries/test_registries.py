"""Names stand for entries of a registry, or for things that live elsewhere."""

import collections

import pytest

from nao_tf import registries
from nao_tf.evaluators import EVALUATORS
from nao_tf.searches.one_shot import ONE_SHOT_SEARCHES
from nao_tf.spaces import SPACES, make_space
from nao_tf.strategies import STRATEGIES
from nao_tf.tables import FORMATS
from nao_tf.tasks import TASKS

REGISTRY = {"counter": "collections:Counter", "gone": "nao_tf.no_such_module:Thing"}


def test_a_key_and_a_place_are_both_resolved():
  assert registries.resolve("counter", REGISTRY, "thing") is collections.Counter
  assert registries.resolve("collections:OrderedDict", REGISTRY, "thing") is collections.OrderedDict


@pytest.mark.parametrize(
  ("name", "message"),
  [
    ("conter", "unknown thing 'conter'; expected one of counter, gone, or package.module:Name"),
    ("gone", "thing 'nao_tf.no_such_module:Thing': cannot import the module"),
    ("collections:Contre", "thing 'collections:Contre': the module 'collections' has no 'Contre'"),
    (":Name", "cannot import the module ''"),
  ],
)
def test_a_wrong_name_is_an_error_that_says_what_was_expected(name, message):
  with pytest.raises(ValueError, match=message):
    registries.resolve(name, REGISTRY, "thing")


REGISTRIES = {
  "space": SPACES,
  "strategy": STRATEGIES,
  "one-shot search": ONE_SHOT_SEARCHES,
  "evaluator": EVALUATORS,
  "task": TASKS,
  "table format": FORMATS,
}


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, registry in REGISTRIES.items() for name in registry])
def test_there_is_something_at_every_registered_place(kind, name):
  assert registries.resolve(name, REGISTRIES[kind], kind) is not None


@pytest.mark.parametrize("name", SPACES)
def test_a_space_knows_its_name(name):
  assert make_space(name).name == name


def test_the_choices_are_named_in_order():
  assert registries.choices({"b": "x:B", "a": "x:A"}) == "one of a, b, or package.module:Name"


@pytest.mark.parametrize(
  ("name", "expected"),
  [
    ("nao", "nao"),
    ("nao_tf.strategies.nao:Nao", "nao"),
    ("a.b:GreedySearch", "greedy_search"),
    ("a.b:NAO2", "nao2"),
    ("a.b:one_shot", "one_shot"),
  ],
)
def test_names_of_settings_begin_with_the_name(name, expected):
  assert registries.prefix_of(name, {"nao": "nao_tf.strategies.nao:Nao"}) == expected
