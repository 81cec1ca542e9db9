"""Flags for the evaluator of a search, and the context that it is constructed from."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from absl import flags

from nao_tf import registries
from nao_tf.evaluators import EVALUATORS, EvaluatorContext, declared_settings
from nao_tf.evaluators.base import REWARDS
from nao_tf.searches.loop import TRIAL_RETRIES
from nao_tf.spaces.base import SearchSpace
from nao_tf.tasks.base import Task
from nao_tf.tools import (
  component_flags,
  experiment,
  flag_types,
  flagging,
  objective_flags,
  rung_flags,
  search_flags,
  shared_flags,
  strategy_flags,
)

if TYPE_CHECKING:
  import tensorflow as tf

_WITHOUT_SHARING = ("inherited", "training", "tabular")


def define(flag_values: flags.FlagValues, argv: Sequence[str] = ()) -> None:
  """Defines the flags of evaluators.

  Args:
    flag_values: where to define; has the flags of `search_flags`.
    argv: the command line, which may name an evaluator that has flags of its own; see `component_flags`.
  """
  help_ = "how to evaluate architectures"
  flag_types.define_name("evaluator", _default(argv), EVALUATORS, "evaluator", help_, flag_values=flag_values)
  flags.DEFINE_string("table", None, "path of the table file, with --evaluator=tabular", flag_values=flag_values)
  help_ = "epoch whose validation result is the reward"
  flags.DEFINE_enum("reward", "last", list(REWARDS), help_, flag_values=flag_values)
  help_ = "time limit of an evaluation in seconds, after which it fails; evaluations then run in a separate process"
  flag_types.define_number("trial_timeout", None, help_, 0.0, flag_values=flag_values)
  help_ = "how many times an evaluation that crashed its process is restarted before the trial fails"
  flags.DEFINE_integer("trial_retries", TRIAL_RETRIES, help_, 0, flag_values=flag_values)
  rung_flags.define(flag_values)
  experiment.define_tensorboard_flag(flag_values)
  shared_flags.define(flag_values)
  component_flags.define_all(EVALUATORS, declared_settings, component_flags.named(argv, "evaluator"), flag_values)


def _default(argv: Sequence[str]) -> str:
  """Returns the evaluator that the strategy is made for, if the command line names no other space than its own."""
  spaces, preferred = component_flags.named(argv, "space"), strategy_flags.preferred(argv, "preferred_space")
  is_its_space = not spaces or spaces[-1] == preferred
  return (is_its_space and strategy_flags.preferred(argv, "preferred_evaluator")) or "training"


def check(flag_values: flags.FlagValues) -> None:
  """Checks that the flags of the evaluator fit together.

  Raises:
    ValueError: if they do not.
  """
  rung_flags.check(flag_values)
  if flag_values.evaluator == "tabular" and flag_values.table is None:
    raise ValueError("--evaluator=tabular needs --table")
  if flag_values.trial_timeout is not None and flag_values.evaluator == "shared_weights":
    raise ValueError(
      "--trial_timeout limits one evaluation, but --evaluator=shared_weights trains one supernet for all"
    )
  if flag_values.trial_timeout == 0:
    raise ValueError("--trial_timeout must be above 0 seconds, got 0")
  if flag_values.evaluator == "shared_weights":
    check_one_size(flag_values)


def check_one_size(flag_values: flags.FlagValues) -> None:
  """Checks that a bound on parameters means the same for the networks of the supernet and for the children.

  Raises:
    ValueError: if there is a bound, and the networks of the two differ.
  """
  both = (shared_flags.configs(flag_values), search_flags.children(flag_values))
  ours, theirs = (flagging.settings(network=configs.network_config) for configs in both)
  differing = [
    f"{name.removeprefix('network.')} {ours[name]} and {theirs[name]}" for name in ours if ours[name] != theirs[name]
  ]
  if flag_values.max_parameters is not None and differing:
    raise ValueError(
      "--max_parameters limits the networks of the supernet and the candidates alike, so with --evaluator=shared_weights"
      f" the --shared_ and --child_ flags of a network must have the same values; got {', '.join(differing)}"
    )


def context(
  flag_values: flags.FlagValues,
  space: SearchSpace,
  distribution: "tf.distribute.Strategy",
  task: Task | None = None,
) -> EvaluatorContext:
  """Returns what the evaluator is made from.

  Args:
    flag_values: the flags.
    space: the search space.
    distribution: the `tf.distribute.Strategy` of the process.
    task: what is learned; None: it is made when it is needed.
  """
  rungs = rung_flags.config(flag_values)
  return EvaluatorContext(
    space,
    seed=flag_values.seed,
    make_task=lambda: task or experiment.task_of(flag_values),
    configs=search_flags.children(flag_values),
    shared_configs=shared_flags.configs(flag_values),
    sharing_config=shared_flags.sharing_config(flag_values),
    directory=flag_values.workdir,
    distribution=distribution,
    max_parameters=flag_values.max_parameters,
    reward=flag_values.reward,
    table=flag_values.table,
    rungs=() if rungs is None else rungs.epochs,
    progress=True,
    tensorboard=experiment.wants_tensorboard(flag_values),
    objectives=objective_flags.names(flag_values),
    latency_batch_size=objective_flags.latency_batch_size(flag_values),
    config=config(flag_values),
  )


def config(flag_values: flags.FlagValues) -> Any:
  """Returns the evaluator's own settings, a dataclass; None if it has none."""
  name = flag_values.evaluator
  return component_flags.config(registries.prefix_of(name, EVALUATORS), declared_settings(name), flag_values)


def settings(flag_values: flags.FlagValues) -> dict[str, Any]:
  """Returns what determines evaluations, beside what `search_flags.settings` returns."""
  own = config(flag_values)
  return {
    **{name: flag_values[name].value for name in ("evaluator", "reward")},
    **rung_flags.settings(flag_values),
    **({} if flag_values.evaluator in _WITHOUT_SHARING else shared_flags.settings(flag_values)),
    **({} if own is None else flagging.settings(evaluator_config=own)),
  }
