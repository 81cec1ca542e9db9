"""Names stand for entries of a registry, or for things that live elsewhere."""

import collections

import pytest

from nao_tf import registries

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
