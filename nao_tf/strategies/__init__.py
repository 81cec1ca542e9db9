"""Search strategies by name. To add one, add a file in this folder and a row to `STRATEGIES`."""

from typing import Any

from nao_tf import registries
from nao_tf.spaces.base import SearchSpace
from nao_tf.strategies.base import SpaceExhausted, Strategy

STRATEGIES = {
  "nao": "nao_tf.strategies.nao:Nao",
  "random": "nao_tf.strategies.random_search:RandomSearch",
  "local_search": "nao_tf.strategies.local_search:LocalSearch",
  "evolution": "nao_tf.strategies.evolution:Evolution",
  "pnas": "nao_tf.strategies.pnas:Pnas",
  "autokeras": "nao_tf.strategies.autokeras:Autokeras",
  "optuna": "nao_tf.strategies.optuna_search:OptunaSearch",
  "bananas": "nao_tf.strategies.bananas:Bananas",
  "bayesian": "nao_tf.strategies.bayesian.strategy:Bayesian",
  "reinforce": "nao_tf.strategies.reinforce:Reinforce",
  "tournament_evolution": "nao_tf.strategies.tournament_evolution:TournamentEvolution",
}
"""Import paths of subclasses of `Strategy`, by name."""

SETTINGS = {
  "autokeras": "nao_tf.strategies.autokeras_config:AutokerasSettings",
  "bananas": "nao_tf.strategies.bananas_config:BananasSettings",
  "bayesian": "nao_tf.strategies.bayesian.config:BayesianSettings",
  "nao": "nao_tf.strategies.nao_config:NaoSettings",
  "reinforce": "nao_tf.strategies.reinforce_config:ReinforceSettings",
}
"""Import paths of the declared settings of strategies whose own modules import TensorFlow or SciPy."""

__all__ = [
  "SETTINGS",
  "STRATEGIES",
  "SpaceExhausted",
  "Strategy",
  "declared_settings",
  "make_strategy",
  "preferred_by",
  "strategy_class",
]


def preferred_by(name: str, attribute: str) -> str | None:
  """Returns the preferred search space or evaluator of a strategy; None if it has none.

  Args:
    name: name of the strategy.
    attribute: "preferred_space" or "preferred_evaluator"; see `Strategy`.

  Raises:
    ValueError: if there is no such strategy.
  """
  found: str | None = getattr(declared_settings(name), attribute, None)
  return found


def declared_settings(name: str) -> type:
  """Returns a class that declares the settings of a strategy as `config_class` and `presets`.

  For registered strategies, TensorFlow is not imported.

  Raises:
    ValueError: if there is no such strategy.
  """
  return registries.load_place(SETTINGS[name], "strategy") if name in SETTINGS else strategy_class(name)


def strategy_class(name: str) -> type[Strategy]:
  """Returns the class of a strategy. Its module is imported only now, since it may import TensorFlow.

  Args:
    name: a key of `STRATEGIES`, or the import path of your own strategy, `package.module:Name`.

  Raises:
    ValueError: if there is no such strategy.
  """
  found = registries.resolve(name, STRATEGIES, "strategy")
  if not (isinstance(found, type) and issubclass(found, Strategy)):
    raise ValueError(f"strategy {name!r}: expected a subclass of Strategy, got {found!r}")
  return found


def make_strategy(name: str, space: SearchSpace, *, seed: int = 0, **options: Any) -> Strategy:
  """Returns a new strategy for a search space.

  Args:
    name: a key of `STRATEGIES`, or the import path of your own strategy, `package.module:Name`.
    space: the search space.
    seed: random seed, not negative.
    **options: further arguments of the strategy, such as its `config`.

  Raises:
    ValueError: if there is no such strategy.
  """
  return strategy_class(name)(space, seed=seed, **options)
