"""Groups of flags by topic, in the order of the help, and the conditions under which a group has an effect.

A given flag that has no effect is an error, so that a typing error in `--strategy` or a forgotten `--train_best` does
not start the wrong search. A flag in a flagfile is excused if the deciding flag is given on the command line itself:
`--flagfile=nao.flags --strategy=random` ignores what the file says about NAO.
"""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from absl import flags

from nao_tf import registries
from nao_tf.networks.image_network_config import ImageNetworkConfig
from nao_tf.networks.language_model_config import LanguageModelConfig
from nao_tf.searches.one_shot import ONE_SHOT_SEARCHES, OneShotSearch, is_one_shot, one_shot_search
from nao_tf.strategies import STRATEGIES
from nao_tf.supernets.config import OF_ROUNDS, SharingConfig
from nao_tf.tasks import task_traits
from nao_tf.tools import flagfiles
from nao_tf.training.config import TrainingConfig
from nao_tf.training.language_config import LanguageTrainingConfig
from nao_tf.training.run_options import RunOptions

_NAMES = {**STRATEGIES, **ONE_SHOT_SEARCHES}
_CHOOSERS = ("strategy", "strategies", "oracles")
_UNTRAINED, _UNSHARED = ("tabular",), ("inherited", "tabular", "training")


@dataclasses.dataclass(frozen=True)
class Need:
  """What the flags of a group need.

  Attributes:
    words: what to give, in words.
    decided_by: the flags that decide it.
    is_met: returns whether it is there.
  """

  words: str
  decided_by: tuple[str, ...]
  is_met: Callable[[flags.FlagValues], bool]


@dataclasses.dataclass(frozen=True)
class Group:
  """A group of flags on one topic.

  Attributes:
    title: the theme.
    names: names of flags.
    prefixes: with which further ones begin.
    need: what they need to mean anything; None for nothing.
  """

  title: str
  names: tuple[str, ...] = ()
  prefixes: tuple[str, ...] = ()
  need: Need | None = None

  def has(self, name: str) -> bool:
    """Returns whether a flag is one of the group."""
    return name in self.names or name.startswith(self.prefixes or ("\0",))


def _evaluator_not_in(names: tuple[str, ...]) -> Callable[[flags.FlagValues], bool]:
  return lambda values: "evaluator" not in values or values.evaluator not in names


def _one_shot(values: flags.FlagValues) -> OneShotSearch | None:
  """Returns the one-shot search that is chosen."""
  name = values["strategy"].value if "strategy" in values else None
  return one_shot_search(name) if is_one_shot(name) else None


def _shares(values: flags.FlagValues, *, paths: bool) -> bool:
  """Returns whether weights are shared; with `paths`, whether those of paths are."""
  search = _one_shot(values)
  return _evaluator_not_in(_UNSHARED)(values) if search is None else search.samples_paths or not paths


def _task_is(kind: str) -> Callable[[flags.FlagValues], bool]:
  return lambda values: "task" not in values or ":" in values.task or task_traits(values.task).kind == kind


def _task_has_files(values: flags.FlagValues) -> bool:
  return "task" not in values or values.task == "folder" or ":" in values.task


def _exports_pareto_set(values: flags.FlagValues) -> bool:
  return "export_pareto" in values and values.export_pareto is not None


def _may_be_nao(strategy: str) -> bool:
  return strategy == "nao" or ":" in strategy


_TABLE = Need("--evaluator=tabular", ("evaluator",), _evaluator_not_in(("inherited", "training", "shared_weights")))
_TRAINED = Need("an evaluator that trains networks", ("evaluator",), _evaluator_not_in(_UNTRAINED))
_SHARED = Need("--evaluator=shared_weights", ("evaluator", "strategy"), lambda values: _shares(values, paths=False))
_INHERITED = Need(
  "--evaluator=inherited", ("evaluator", "strategy"), _evaluator_not_in(("training", "shared_weights", "tabular"))
)
_BEST = Need(
  "--train_best",
  ("train_best", "export_pareto"),
  lambda values: "train_best" not in values or values.train_best or _exports_pareto_set(values),
)
_OBJECTIVES = Need(
  "--objectives", ("objectives",), lambda values: "objectives" not in values or bool(values.objectives)
)
_LATENCY = Need(
  "latency among --objectives",
  ("objectives",),
  lambda values: "objectives" not in values or any(name.startswith("latency") for name in values.objectives),
)
_DRY = Need("--dry_run", ("dry_run",), lambda values: "dry_run" not in values or values.dry_run)
_PROPOSES = Need("a --strategy that proposes architectures", ("strategy",), lambda values: _one_shot(values) is None)
_PATHS = Need("--evaluator=shared_weights", ("evaluator", "strategy"), lambda values: _shares(values, paths=True))
_POOL = Need(
  "--evaluator=shared_weights",
  ("evaluator", "strategy"),
  lambda values: _one_shot(values) is None and _evaluator_not_in(_UNSHARED)(values),
)
_NAO = Need("--strategy=nao", ("strategy",), lambda values: "strategy" not in values or _may_be_nao(values.strategy))
_RUNGS = Need("--rungs", ("rungs",), lambda values: "rungs" not in values or bool(values.rungs))
_BENCHMARKED = Need(
  "--benchmark_input", ("benchmark_input",), lambda v: "benchmark_input" not in v or v.benchmark_input
)
_IMAGES = Need("a task on images", ("task",), _task_is("images"))
_TEXT = Need("a task on a text", ("task",), _task_is("text"))
_FILES = Need("--task=folder", ("task",), _task_has_files)

RUN = (
  *("workdir", "output", "seed", "num_replicas", "distribution", "deterministic"),
  *("tensorboard", "verbosity", "flagfile", "json"),
)
DATA = ("task", "data_dir", "download", "train_examples", "validation_fraction", "split")
SEARCH = ("space", "strategy", "strategies", "oracles")
PROPOSALS = ("num_trials", "batch_size", "first_batch_size", "max_parameters", "max_multiply_adds")
EXECUTION = (
  "executor",
  "num_workers",
  "asking",
  "worker_memory",
  "gpus_per_trial",
  "cpus_per_trial",
  "ray_address",
  "ray_working_dir",
)

_NETWORK = ("architecture", "convention", "image_channels", "num_classes", "vocabulary_size")
_NETWORK_CONFIGS = (ImageNetworkConfig, LanguageModelConfig)
_TRAINING_CONFIGS = (TrainingConfig, LanguageTrainingConfig, RunOptions)
_BENCHMARK = (
  *("supernet", "num_seeds", "first_seed", "num_processes", "objective", "report", "stop_at_best"),
  *("num_initial_points", "overhead_at", "num_timed"),
  *("num_architectures", "released_repeats", "table_figure"),
  *("num_train", "num_test", "num_unlabeled", "ensemble_size"),
  *("kinds", "num_steps", "promotions"),
)
_KERAS_TUNER = (
  "executions_per_trial",
  "max_retries_per_trial",
  "max_consecutive_failed_trials",
  "worker_timeout",
)


def _fields_of(configs: Sequence[type[Any]]) -> tuple[str, ...]:
  return tuple(dict.fromkeys(field.name for config in configs for field in dataclasses.fields(config)))


WITHOUT_SEARCH = (
  Group("The network", (*_NETWORK, "space", *_fields_of(_NETWORK_CONFIGS))),
  Group("Its training", _fields_of(_TRAINING_CONFIGS)),
  Group("What is exported", ("saved_model", "format", "checkpoint", "export_precision")),
)
"""Further groups of the commands that do not search, before the others."""

GROUPS = (
  Group("The run", RUN),
  Group("A dry run", ("dry_run",)),
  Group("A dry run", ("utilization",), need=_DRY),
  Group("A dry run", ("benchmark_input",)),
  Group("A dry run", ("benchmark_seconds",), need=_BENCHMARKED),
  Group("The task and its data", DATA),
  Group(
    "The task and its data", ("hold_out", "image_size", "photographs", "decoded_dir", "class_weight"), need=_IMAGES
  ),
  Group("The task and its data", ("image_dir", "skip_corrupt"), need=_FILES),
  Group("The task and its data", ("text_dir", "max_vocabulary"), need=_TEXT),
  Group("The search", SEARCH),
  Group("The search", (*PROPOSALS, "objectives"), need=_PROPOSES),
  Group("The search", ("latency_batch_size",), need=_LATENCY),
  Group("The search", ("warm_start", "proxies"), need=_NAO),
  Group("How architectures are evaluated", ("rerank",)),
  Group("How architectures are evaluated", ("evaluator", "trial_timeout", "trial_retries", "rungs"), need=_PROPOSES),
  Group("How architectures are evaluated", ("reduction", "promotion", "max_epochs"), need=_RUNGS),
  Group("How architectures are evaluated", ("table",), need=_TABLE),
  Group("How architectures are evaluated", ("reward",), need=_TRAINED),
  Group("Where architectures are evaluated", EXECUTION, need=_PROPOSES),
  Group("The winner", ("train_best",)),
  Group("The winner", ("export_pareto",), need=_OBJECTIVES),
  Group("The winner", ("export_precision",), need=_BEST),
  Group("What is measured", _BENCHMARK),
  Group("Trials of KerasTuner", _KERAS_TUNER),
  Group("The networks of the search and their training", prefixes=("child_",), need=_TRAINED),
  Group("The winner, where it differs from them", prefixes=("best_",), need=_BEST),
  Group("Inherited weights", prefixes=("inherited_",), need=_INHERITED),
  Group("Weight sharing", tuple(f"shared_{name}" for name in OF_ROUNDS), need=_POOL),
  Group("Weight sharing", tuple(f"shared_{name}" for name in _fields_of([SharingConfig])), need=_PATHS),
  Group("Weight sharing", prefixes=("shared_",), need=_SHARED),
)
"""The groups of all commands. Those of strategies are added; see `groups`."""


def groups(flag_values: flags.FlagValues) -> list[Group]:
  """Returns the groups of the flags of a command, those of strategies included."""
  searches = any(name in flag_values for name in (*_CHOOSERS, "num_architectures"))
  return [
    *GROUPS[:1],
    *(() if searches else WITHOUT_SEARCH),
    *GROUPS[1:],
    *(_of_strategy(name) for name in STRATEGIES),
    *_of_one_shot_searches(),
    _of_controller(),
  ]


def group_of(name: str, among: Sequence[Group]) -> Group | None:
  """Returns the first group that has a flag."""
  return next((group for group in among if group.has(name)), None)


def check(flag_values: flags.FlagValues, argv: Sequence[str]) -> None:
  """Checks that every flag that is given means something.

  Args:
    flag_values: parsed.
    argv: the command line as it was given. Flags that a run has on record are not looked at.

  Raises:
    flags.Error: if one means nothing; the message names it and what it needs.
  """
  among, direct = groups(flag_values), set(_named_on(argv, flag_values))
  for name in dict.fromkeys(_named_on(flagfiles.expanded(argv), flag_values)):
    group = group_of(name, among)
    if group is None or group.need is None or not _can_decide(group.need, flag_values):
      continue
    excused = name not in direct and direct.intersection(group.need.decided_by)
    if not excused and not group.need.is_met(flag_values):
      raise flags.Error(
        f"--{name} has no effect here: it needs {group.need.words}, got {_decided(group.need, flag_values)}"
      )


def _can_decide(need: Need, flag_values: flags.FlagValues) -> bool:
  return any(name in flag_values for name in need.decided_by)


def _named_on(argv: Sequence[str], flag_values: flags.FlagValues) -> Iterator[str]:
  """Yields the flags that a command line itself names."""
  for argument in (argument for argument in argv[1:] if argument.startswith("-")):
    name = argument.lstrip("-").partition("=")[0]
    yield name if name in flag_values else name.removeprefix("no")


def _decided(need: Need, flag_values: flags.FlagValues) -> str:
  """Returns what the flags say that decide, as they would be given."""
  shown = {name: flag_values[name].value for name in need.decided_by if name in flag_values}
  return " ".join(
    f"--{'' if value else 'no'}{name}" if isinstance(value, bool) else f"--{name}={_text(value)}"
    for name, value in shown.items()
  )


def _text(value: object) -> str:
  return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _of_strategy(name: str) -> Group:
  words = f"--strategy={name}"
  return Group(
    f"The strategy {name}", prefixes=(f"{name}_",), need=Need(words, _CHOOSERS, lambda v: name in _chosen(v))
  )


def _of_one_shot_searches() -> list[Group]:
  """Returns a group for each class of settings of one-shot searches."""
  names: dict[str, list[str]] = {}
  for name in ONE_SHOT_SEARCHES:
    names.setdefault(one_shot_search(name).prefix, []).append(name)
  return [_of_one_shot(prefix, alike) for prefix, alike in names.items()]


def _of_one_shot(prefix: str, names: Sequence[str]) -> Group:
  need = Need(
    f"--strategy={' or '.join(names)}", _CHOOSERS, lambda values: getattr(_one_shot(values), "prefix", "") == prefix
  )
  return Group(f"The one-shot searches {', '.join(names)}", prefixes=(f"{prefix}_",), need=need)


def _of_controller() -> Group:
  """Returns the group of the controller of NAO. A strategy of one's own may have a controller, too."""
  need = Need("--strategy=nao", _CHOOSERS, lambda v: any(p == "nao" or p not in _NAMES for p in _chosen(v)))
  return Group("The controller of nao", ("controller",), ("controller_",), need)


def _chosen(flag_values: flags.FlagValues) -> list[str]:
  """Returns what the flags of the chosen strategies begin with."""
  values = [flag_values[name].value for name in _CHOOSERS if name in flag_values]
  names = [name for value in values for name in ([value] if isinstance(value, str) else value or [])]
  return [registries.prefix_of(name, _NAMES) for name in names]
