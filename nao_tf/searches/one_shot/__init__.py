"""One-shot searches by name: each trains one network that holds all architectures, and derives some from it.

A new one is a declaration, an `OneShotSearch`, and a row below; one of your own is `package.module:NAME`. They are chosen
where strategies are, but have no evaluator: what they train scores what they derive.
"""

from typing import TypeGuard

from nao_tf.registries import check_name, load_place
from nao_tf.searches.one_shot.base import OneShotSearch

ONE_SHOT_SEARCHES = {
  "darts": "nao_tf.searches.one_shot.gradients:DARTS",
  "darts_first": "nao_tf.searches.one_shot.gradients:DARTS_FIRST",
  "enas": "nao_tf.searches.one_shot.sampling:ENAS",
  "gdas": "nao_tf.searches.one_shot.gradients:GDAS",
  "random_ws": "nao_tf.searches.one_shot.sampling:RANDOM_WS",
  "snas": "nao_tf.searches.one_shot.gradients:SNAS",
}
"""Places of declarations by name."""

__all__ = ["ONE_SHOT_SEARCHES", "OneShotSearch", "is_one_shot", "one_shot_search"]


def is_one_shot(name: object) -> TypeGuard[str]:
  """Returns whether a strategy that a person names is a one-shot search. A place is looked at, a name is not.

  Raises:
    ValueError: if it is a place and there is nothing at it.
  """
  if not isinstance(name, str):
    return False
  return name in ONE_SHOT_SEARCHES if ":" not in name else isinstance(load_place(name, "strategy"), OneShotSearch)


def one_shot_search(name: str) -> OneShotSearch:
  """Returns the declaration of a one-shot search. TensorFlow is not imported.

  Args:
    name: key in the registry, or the place of one of your own, `package.module:NAME`.

  Raises:
    ValueError: if there is none.
  """
  check_name(name, ONE_SHOT_SEARCHES, "one-shot search")
  found = load_place(ONE_SHOT_SEARCHES.get(name, name), "one-shot search")
  if not isinstance(found, OneShotSearch):
    raise ValueError(f"one-shot search {name!r}: expected an OneShotSearch, got {found!r}")
  return found
