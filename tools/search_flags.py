"""Flags that the binaries which search cells share: the space, the strategy, the budget and the children."""

from typing import Any

from absl import flags

from nao_tf.spaces import SPACES
from nao_tf.strategies import STRATEGIES
from nao_tf.tasks.base import Setup
from nao_tf.tools import experiment, flagging, strategy_flags


def define(flag_values: flags.FlagValues) -> None:
  """Defines the flags of a search over cells, those of its process and of its task included."""
  experiment.define_process_flags(flag_values)
  experiment.define_task_flags(flag_values)
  define = {"flag_values": flag_values}
  flags.DEFINE_enum("space", "nasnet5", sorted(SPACES), "what to search", **define)
  flags.DEFINE_enum("strategy", "nao", sorted(STRATEGIES), "how to search", **define)
  flags.DEFINE_integer("num_trials", 40, "architectures to evaluate, failed ones included", lower_bound=1, **define)
  flags.DEFINE_integer("max_parameters", None, "networks with more parameters fail; default: no bound", **define)
  strategy_flags.define(flag_values)
  experiment.define_setup_flags(flag_values, "child", prefix="child_")


def children(flag_values: flags.FlagValues) -> Setup:
  """Returns how children are built and trained."""
  return experiment.setup_of(flag_values, experiment.task_class_of(flag_values).child, prefix="child_")


def settings(flag_values: flags.FlagValues, *names: str) -> dict[str, Any]:
  """Returns what determines the course of a search. The budget does not: a search can be given more trials.

  Args:
    flag_values: the flags.
    *names: of the flags that count beside those defined here.
  """
  setup = children(flag_values)
  counting = ("space", "strategy", "max_parameters", "seed", *names)
  return {
    **{name: flag_values[name].value for name in counting},
    **experiment.task_settings(flag_values),
    **flagging.settings(
      options=strategy_flags.config(flag_values.strategy, flag_values),
      network=setup.network,
      training=setup.recipe,
    ),
  }
