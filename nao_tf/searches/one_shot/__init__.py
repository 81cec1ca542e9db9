"""One-shot searches by name. Each trains a single supernet that contains all architectures and derives some from it.

To add one, add a declaration (an `OneShotSearch`) and a row below. Your own is named by its import path,
`package.module:NAME`. One-shot searches are chosen like strategies but have no evaluator: the supernet scores the
derived architectures.
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
"""Import paths of declarations by name."""

__all__ = ["ONE_SHOT_SEARCHES", "OneShotSearch", "is_one_shot", "one_shot_search"]


def is_one_shot(name: object) -> TypeGuard[str]:
  """Returns whether a strategy given by a user is the name or the import path of a one-shot search.

  Raises:
    ValueError: if it is an import path that cannot be imported.
  """
  if not isinstance(name, str):
    return False
  return name in ONE_SHOT_SEARCHES if ":" not in name else isinstance(load_place(name, "strategy"), OneShotSearch)


def one_shot_search(name: str) -> OneShotSearch:
  """Returns the declaration of a one-shot search. TensorFlow is not imported.

  Args:
    name: a registered name, or the import path of your own one-shot search, `package.module:NAME`.

  Raises:
    ValueError: if there is no such one-shot search.
  """
  check_name(name, ONE_SHOT_SEARCHES, "one-shot search")
  found = load_place(ONE_SHOT_SEARCHES.get(name, name), "one-shot search")
  if not isinstance(found, OneShotSearch):
    raise ValueError(f"one-shot search {name!r}: expected an OneShotSearch, got {found!r}")
  return found
