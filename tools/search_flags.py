"""Flags that the binaries which search cells share: the space, the strategy, the budget and the children."""

from collections.abc import Sequence
from typing import Any

from absl import flags

from nao_tf.spaces import SPACES
from nao_tf.spaces.base import SearchSpace
from nao_tf.strategies import STRATEGIES, make_strategy
from nao_tf.strategies.base import Strategy
from nao_tf.tasks.base import Configs
from nao_tf.tools import experiment, flag_types, flagging, strategy_flags


def define(flag_values: flags.FlagValues, argv: Sequence[str] = ()) -> None:
  """Defines the flags of a search over cells, those of its process and of its task included.

  Args:
    flag_values: where to define.
    argv: the command line, which may name a strategy that has flags of its own; see `strategy_flags`.
  """
  experiment.define_process_flags(flag_values)
  experiment.define_task_flags(flag_values)
  flag_types.define_name("space", "nasnet5", SPACES, "space", "what to search", flag_values=flag_values)
  flag_types.define_name("strategy", "nao", STRATEGIES, "strategy", "how to search", flag_values=flag_values)
  flags.DEFINE_integer("num_trials", 40, "architectures to evaluate, failed ones included", 1, flag_values=flag_values)
  flags.DEFINE_integer(
    "max_parameters", None, "networks with more parameters fail; default: no limit", flag_values=flag_values
  )
  strategy_flags.define(flag_values, argv)
  experiment.define_config_flags(flag_values, "child", prefix="child_")


def strategy(flag_values: flags.FlagValues, space: SearchSpace) -> Strategy:
  """Returns the strategy that the flags describe."""
  name = flag_values.strategy
  return make_strategy(name, space, seed=flag_values.seed, **strategy_flags.options(name, flag_values))


def children(flag_values: flags.FlagValues) -> Configs:
  """Returns how children are built and trained."""
  return experiment.configs_of(flag_values, experiment.task_class_of(flag_values).child, prefix="child_")


def settings(flag_values: flags.FlagValues, *names: str) -> dict[str, Any]:
  """Returns what determines the course of a search. The budget does not: a search can be given more trials.

  Args:
    flag_values: the flags.
    *names: further flags that count.
  """
  configs = children(flag_values)
  counting = ("space", "strategy", "max_parameters", "seed", *names)
  return {
    **{name: flag_values[name].value for name in counting},
    **experiment.task_settings(flag_values),
    **flagging.settings(
      options=strategy_flags.config(flag_values.strategy, flag_values),
      network=configs.network_config,
      training=configs.training_config,
    ),
  }
