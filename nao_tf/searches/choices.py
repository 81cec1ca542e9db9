"""The space, strategy and evaluator of a search as given by a user: names, import paths, classes, or instances."""

from collections.abc import Sequence
from typing import Any

from nao_tf.evaluators import EvaluatorContext, evaluator_class, make_evaluator
from nao_tf.evaluators.base import Evaluator
from nao_tf.evaluators.rung_evaluator import in_rungs
from nao_tf.registries import place_of
from nao_tf.spaces import SPACES, make_space
from nao_tf.spaces.base import SearchSpace
from nao_tf.strategies import STRATEGIES, Strategy, make_strategy, preferred_by, strategy_class

AnySpace = str | SearchSpace
AnyStrategy = str | type[Strategy] | Strategy
AnyEvaluator = str | type[Any] | Evaluator


def space_of(given: AnySpace) -> SearchSpace:
  """Returns a search space.

  Args:
    given: a name, an import path `package.module:Name`, or a search space.

  Raises:
    ValueError: if there is no such space.
  """
  if isinstance(given, SearchSpace):
    return given
  if isinstance(given, str):
    return make_space(given)
  raise ValueError(f"expected the name of a space, or a space, got {given!r}")


def check_strategy(given: AnyStrategy, space: SearchSpace, *, bounded: bool) -> None:
  """Checks that a strategy can search a space, before any data is read.

  Args:
    given: see `strategy_of`.
    space: the search space.
    bounded: whether proposals are restricted by size limits.

  Raises:
    ValueError: if there is no such strategy; or if it is an instance that is not fresh, is for another space, or does
      not respect the limits.
  """
  if isinstance(given, str):
    strategy_class(given)
  elif isinstance(given, Strategy):
    _check_ready(given, space, bounded=bounded)
  elif not (isinstance(given, type) and issubclass(given, Strategy)):
    raise ValueError(f"expected the name of a strategy, a subclass of Strategy or a strategy, got {given!r}")


def check_takes(given: AnyStrategy, objectives: Sequence[str]) -> None:
  """Checks that a strategy supports multi-objective search.

  Args:
    given: see `strategy_of`.
    objectives: names of the objectives; empty for a search by reward alone.

  Raises:
    ValueError: if it does not; the message names the strategies that only maximize the reward.
  """
  strategy = strategy_class(given) if isinstance(given, str) else given
  if objectives and not strategy.takes_objectives:
    able = ", ".join(name for name in STRATEGIES if strategy_class(name).takes_objectives)
    raise ValueError(
      f"the strategy {recorded_name(given)} optimizes one reward, not several objectives; expected one of {able}"
    )


def check_learns(config: Any, wanted: str, setting: str, source: str = "") -> None:
  """Checks that NAO can learn from an earlier search or from proxies, which its Gaussian process does.

  Args:
    config: settings of the strategy; None for the defaults.
    wanted: what it is to learn from, as the user names it, such as "--warm_start".
    setting: how the user names the share of the Gaussian process.
    source: what the share is due to, for the message.

  Raises:
    ValueError: if it cannot; the message names both.
  """
  share = getattr(config, "gaussian_share", None)
  if share is not None and not share:
    raise ValueError(f"{wanted} needs {setting} above 0, got {share:g}{source}")


def strategy_of(given: AnyStrategy, space: SearchSpace, seed: int, config: Any = None) -> Strategy:
  """Returns a strategy.

  Args:
    given: a name, an import path, a subclass of `Strategy`, or a fresh strategy.
    space: the space to propose from.
    seed: random seed of a newly created strategy.
    config: settings of the strategy; None for the defaults.
  """
  if isinstance(given, Strategy):
    return given
  options = {} if config is None else {"config": config}
  return (
    make_strategy(given, space, seed=seed, **options) if isinstance(given, str) else given(space, seed=seed, **options)
  )


def preferred(given: AnyStrategy, name: str) -> str | None:
  """Returns the preferred search space or evaluator of a strategy; None if it has none.

  Args:
    given: see `strategy_of`.
    name: "preferred_space" or "preferred_evaluator".
  """
  found: str | None = preferred_by(given, name) if isinstance(given, str) else getattr(given, name, None)
  return found


def check_evaluator(given: AnyEvaluator) -> None:
  """Checks that an evaluator exists, before any data is read.

  Raises:
    ValueError: if it does not.
  """
  if isinstance(given, str):
    evaluator_class(given)
  elif not callable(getattr(given, "from_context" if isinstance(given, type) else "evaluate", None)):
    raise ValueError(
      "expected the name of an evaluator, a class with a class method from_context, or an object with a method evaluate,"
      f" got {given!r}"
    )


def evaluator_of(given: AnyEvaluator, context: EvaluatorContext) -> Evaluator:
  """Returns an evaluator.

  Args:
    given: a name, an import path, a class with `from_context`, or an evaluator.
    context: the context to construct it from.

  Raises:
    ValueError: if the context lacks something that it needs, or it does not support rungs.
  """
  if isinstance(given, str):
    return make_evaluator(given, context)
  return in_rungs(given.from_context(context) if isinstance(given, type) else given, context.rungs)


def recorded_name(given: Any) -> str:
  """Returns the name under which a search records a choice, from which it can be recreated if possible."""
  if isinstance(given, str):
    return given
  if isinstance(given, type):
    return place_of(given)
  if isinstance(given, SearchSpace) and given.name in SPACES:
    return given.name
  return place_of(type(given))


def _check_ready(strategy: Strategy, space: SearchSpace, *, bounded: bool) -> None:
  if strategy.space.name != space.name or strategy.space.decisions != space.decisions:
    raise ValueError(
      f"expected a strategy for the space {space.name}, got one for the space {strategy.space.name}; omit `space`, or pass"
      " the strategy by name or class"
    )
  if strategy.num_asked:
    raise ValueError(
      f"expected a fresh strategy, got one that has already made proposals (num_asked={strategy.num_asked})"
    )
  if bounded:
    raise ValueError(
      "max_parameters and max_multiply_adds limit the proposals of a strategy, but this one is already constructed; pass it"
      " by name or class"
    )
