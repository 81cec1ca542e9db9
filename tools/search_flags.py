"""Flags shared by the commands that search: the space, the strategy, the budget and the candidate networks."""

from collections.abc import Mapping, Sequence
from typing import Any

from absl import flags

from nao_tf.networks.cost_bounds import CostBounds
from nao_tf.searches.proposals import UnknownCosts, fitting_space
from nao_tf.spaces import SPACES, make_space
from nao_tf.spaces.base import SearchSpace
from nao_tf.strategies import STRATEGIES, make_strategy
from nao_tf.strategies.base import Strategy
from nao_tf.tasks.base import Configs
from nao_tf.tools import (
  experiment,
  flag_types,
  flagging,
  objective_flags,
  one_shot_flags,
  rung_flags,
  strategy_flags,
)

_OVERSIZED = "oversized"
"""The setting that says what becomes of networks beyond a bound. Earlier versions had none: their trials failed."""


def define(
  flag_values: flags.FlagValues, argv: Sequence[str] = (), *, strategies: Mapping[str, str] = STRATEGIES
) -> None:
  """Defines the flags of a search over cells, those of its process and of its task included.

  Args:
    flag_values: where to define the flags.
    argv: the command line, which may name a strategy that has flags of its own; see `strategy_flags`.
    strategies: what can be chosen with `--strategy`.
  """
  experiment.define_process_flags(flag_values)
  experiment.define_task_flags(flag_values)
  space = one_shot_flags.preferred_space(argv) or strategy_flags.preferred(argv, "preferred_space") or "nasnet5"
  flag_types.define_name("space", space, SPACES, "space", "what to search", flag_values=flag_values)
  flag_types.define_name("strategy", "nao", strategies, "strategy", "how to search", flag_values=flag_values)
  flags.DEFINE_integer(
    "num_trials", 40, "number of architectures to evaluate, including failed ones", 1, flag_values=flag_values
  )
  help_ = "maximum number of parameters of a candidate network; default: no limit"
  flags.DEFINE_integer("max_parameters", None, help_, 1, flag_values=flag_values)
  help_ = "maximum number of multiply-adds of a candidate network per image or token; default: no limit"
  flags.DEFINE_integer("max_multiply_adds", None, help_, 1, flag_values=flag_values)
  strategy_flags.define(flag_values, argv)
  experiment.define_config_flags(flag_values, "child", prefix="child_")


def strategy(flag_values: flags.FlagValues, space: SearchSpace) -> Strategy:
  """Returns the strategy that the flags describe."""
  name = flag_values.strategy
  return make_strategy(name, space, seed=flag_values.seed, **strategy_flags.options(name, flag_values))


def proposal_space(flag_values: flags.FlagValues) -> SearchSpace:
  """Returns the space that a strategy proposes from: bounded, if there are bounds on what networks cost.

  A search of an earlier version goes on as it began, with proposals that are too large and fail. So does a search whose
  networks have costs that are not known, as long as only their parameters are bounded: an evaluator counts these.

  Raises:
    ValueError: if hardly any architecture is within the bounds, or the multiply-adds are not known.
  """
  space = make_space(flag_values.space)
  bounds = CostBounds(flag_values.max_parameters, flag_values.max_multiply_adds)
  if bounds == CostBounds() or _proposes_oversized(flag_values):
    return space
  try:
    return fitting_space(space, bounds, children(flag_values).network_config, lambda: experiment.task_of(flag_values))
  except UnknownCosts as error:
    raise ValueError(
      f"--max_multiply_adds: the multiply-adds of the networks of --space={flag_values.space} with"
      f" --task={flag_values.task} are not known"
    ) from error


def children(flag_values: flags.FlagValues) -> Configs:
  """Returns how children are built and trained."""
  one_shot = one_shot_flags.defaults(flag_values)
  defaults = one_shot.children if one_shot else experiment.traits_of(flag_values).child
  return rung_flags.trained_in_rungs(experiment.configs_of(flag_values, defaults, prefix="child_"), flag_values)


def settings(flag_values: flags.FlagValues, *names: str) -> dict[str, Any]:
  """Returns the settings that determine the course of a search. The budget does not: a search can be given more trials.

  Args:
    flag_values: the flags.
    *names: further flags that count.
  """
  configs = children(flag_values)
  counting = ("space", "strategy", "max_parameters", "seed", *names)
  return {
    **{name: flag_values[name].value for name in counting},
    **_bound_settings(flag_values),
    **objective_flags.settings(flag_values),
    **experiment.task_settings(flag_values),
    **flagging.settings(
      options=strategy_flags.config(flag_values.strategy, flag_values),
      network=configs.network_config,
      training=configs.training_config,
    ),
  }


def _bound_settings(flag_values: flags.FlagValues) -> dict[str, Any]:
  """Returns the settings that bounds add. There are none without bounds, so that earlier searches go on."""
  multiply_adds = flag_values.max_multiply_adds
  if (flag_values.max_parameters is None and multiply_adds is None) or _proposes_oversized(flag_values):
    return {}
  return {_OVERSIZED: "not proposed", **({} if multiply_adds is None else {"max_multiply_adds": multiply_adds})}


def _proposes_oversized(flag_values: flags.FlagValues) -> bool:
  """Returns whether a search is one of an earlier version, which proposed networks beyond the bound, too."""
  recorded = experiment.recorded_settings(flag_values)
  earlier = recorded.get("max_parameters") is not None and _OVERSIZED not in recorded
  return earlier and flag_values.max_multiply_adds is None
