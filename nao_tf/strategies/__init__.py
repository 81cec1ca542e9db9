"""Search strategies by name. A new one is a file here and a row below."""

import importlib

from nao_tf.spaces.base import SearchSpace
from nao_tf.strategies.base import SpaceExhausted, Strategy

STRATEGIES = {
  "nao": "nao_tf.strategies.nao:Nao",
  "random": "nao_tf.strategies.random_search:RandomSearch",
  "evolution": "nao_tf.strategies.evolution:Evolution",
}

__all__ = ["STRATEGIES", "SpaceExhausted", "Strategy", "make_strategy", "strategy_class"]


def strategy_class(name: str) -> type[Strategy]:
  """Returns the registered class, importing its module only now: a strategy may bring TensorFlow.

  Raises:
    ValueError: if there is no strategy of that name.
  """
  if name not in STRATEGIES:
    raise ValueError(f"unknown strategy {name!r}; expected one of {', '.join(sorted(STRATEGIES))}")
  module, _, attribute = STRATEGIES[name].partition(":")
  return getattr(importlib.import_module(module), attribute)


def make_strategy(name: str, space: SearchSpace, *, seed: int = 0, **options) -> Strategy:
  """Returns a strategy for a space.

  Args:
    name: key in the registry.
    space: what to search.
    seed: of all its randomness.
    **options: the strategy's own, such as its `config`.

  Raises:
    ValueError: if there is no strategy of that name.
  """
  return strategy_class(name)(space, seed=seed, **options)
