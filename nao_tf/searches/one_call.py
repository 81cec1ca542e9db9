"""A search in one call: for a network that classifies your images, or for a language model of your texts.

    found = nao_tf.search(x_train, y_train, num_trials=40, workdir="runs/mine")
    model = found.train(epochs=60)

Everything that is done can be done with the parts, too: a task, a space, a strategy, an evaluator, a journal and
`run_search`.
"""

import dataclasses
import os
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from absl import logging

from nao_tf import fields
from nao_tf.evaluators import EvaluatorContext
from nao_tf.networks.cost_bounds import CostBounds
from nao_tf.runs.settings import flat_settings
from nao_tf.searches.choices import (
  AnyEvaluator,
  AnySpace,
  AnyStrategy,
  check_evaluator,
  check_strategy,
  opened_evaluator,
  recorded_name,
  space_of,
  strategy_of,
)
from nao_tf.searches.found import Found
from nao_tf.searches.memory import check_memory
from nao_tf.searches.overrides import overridden
from nao_tf.searches.proposals import fitting_space
from nao_tf.searches.same_data import check_same_data
from nao_tf.searches.search_directory import Budget, search_in_directory
from nao_tf.spaces.base import SearchSpace
from nao_tf.strategies import Strategy
from nao_tf.tasks.base import Configs
from nao_tf.trial import Trial

if TYPE_CHECKING:
  from nao_tf.tasks.base import Task

BATCH_SIZE = 8
NUM_TRIALS = 40
_STEPS_PER_EPOCH = 8
_LARGE_IMAGE = 96


def search(
  x: Any,
  y: Any = None,
  *,
  workdir: str | os.PathLike[str],
  num_trials: int | None = None,
  max_seconds: float | None = None,
  space: AnySpace | None = None,
  strategy: AnyStrategy = "nao",
  evaluator: AnyEvaluator = "training",
  seed: int = 0,
  max_parameters: int | None = None,
  max_multiply_adds: int | None = None,
  validation_fraction: float | None = None,
  image_size: int | tuple[int, int] | None = None,
  skip_corrupt: bool = False,
  class_weight: str | Mapping[Any, float] | None = None,
  max_vocabulary: int | None = None,
  data_dir: str | None = None,
  download: bool = False,
  callbacks: Iterable[Callable[[Trial], None]] = (),
  verbose: int = 1,
  **overrides: Any,
) -> Found:
  """Searches for a network that classifies images, or for a language model.

  Killed at any moment and called again with the same data and settings, it goes on where it was.

  Args:
    x: what to learn from, in one of these forms:
      images: an array `[N, H, W, C]` or `[N, H, W]` of any type of numbers, or a list of N images;
      a `tf.data.Dataset` of (image, label), or of batches of them;
      the path of a directory with a folder of images for each class;
      the path of a CSV file with names of images and labels;
      texts: a list of strings, the path of a .txt file, or that of a directory with train, valid and test texts;
      the name of a task: "digits", "cifar10", any image set of TensorFlow Datasets, "python_reference";
      a task, `nao_tf.make_task(...)`.
    y: labels of the images, texts, whole numbers or one-hot, if `x` is an array or a list of images.
    workdir: directory of the search; made if it does not exist, continued if it does.
    num_trials: architectures to evaluate, failed ones included. None: 40, or as many as there is time for with
      `max_seconds`.
    max_seconds: no batch of architectures is begun when this call has taken so long; None for no limit.
    space: what to search: a name, a place `package.module:Name`, or a space. None: "nasnet5" for images, "rnn12" for
      texts.
    strategy: how to search: a name, a place, a subclass of `Strategy`, or a strategy that was asked nothing.
    evaluator: how to evaluate an architecture: a name, a place, a class with `from_context`, or an object with
      `evaluate`.
    seed: of all randomness.
    max_parameters: networks with more parameters are not proposed; None for no limit.
    max_multiply_adds: networks with more multiply-adds for one image or one token are not proposed; None for no limit.
    validation_fraction: share of the data, of each class of images, that networks are compared on. None for the share
      that the task holds out, a fifth of your own images and a tenth of your own texts.
    image_size: height and width to resize all images to; None to keep their size.
    skip_corrupt: whether to leave out files that are no images, with a warning.
    class_weight: "balanced" if all classes are to count the same in the loss, or weights by label; None if all images
      are.
    max_vocabulary: how many words the vocabulary of a text may have; None for all.
    data_dir: directory of prepared data sets, for tasks.
    download: whether to download and prepare the data of a task if it is missing.
    callbacks: each is called with every trial that has been evaluated, those of an interrupted search included.
    verbose: 1 to show a progress bar, 0 to show nothing.
    **overrides: fields of `ImageNetworkConfig` and `TrainingConfig` for the networks that are compared, such as
      `epochs=10`, `num_cells=1`, `filters=16`, `batch_size=64`; for texts those of `LanguageModelConfig` and
      `LanguageTrainingConfig`, such as `units=200`.

  Returns:
    What was found; `train` makes a model of Keras from the best.

  Raises:
    ValueError: if the data cannot be learned from, or a setting is unknown or out of range; nothing was done then.
    FileNotFoundError: if there is no such file or directory, or the data of a task is missing.
    RunDirectoryError: if the directory is in use, or was made with other data or settings.
    NothingFound: if no trial has a reward.
  """
  from nao_tf.tasks.task_input import task_input

  directory, watchers = os.fspath(workdir), _checked_callbacks(callbacks)
  bounds = CostBounds(max_parameters, max_multiply_adds)
  limited = num_trials if num_trials is not None or max_seconds is not None else NUM_TRIALS
  budget = Budget(num_trials=limited, batch_size=BATCH_SIZE, max_seconds=max_seconds)
  _check_early(directory, space, strategy, evaluator, bounds, seed)
  data = task_input(
    x,
    y,
    image_size=image_size,
    skip_corrupt=skip_corrupt or None,
    class_weight=class_weight,
    max_vocabulary=max_vocabulary,
    data_dir=data_dir,
    download=download or None,
  )
  task = data.make_task(validation_fraction)
  named_space = _space_for(task, space, strategy)
  architectures, configs = space_of(named_space), overridden(task.child, {**overrides, **_fitting(task, overrides)})
  check_strategy(strategy, architectures, bounded=bounds != CostBounds())
  _check_networks(architectures, task, configs, seed)
  proposals = fitting_space(architectures, bounds, configs.network_config, lambda: task)
  check_same_data(directory, data.settings)
  context = EvaluatorContext(
    architectures,
    seed=seed,
    make_task=lambda: task,
    configs=configs,
    directory=directory,
    max_parameters=max_parameters,
  )
  settings = {
    "space": recorded_name(named_space),
    "strategy": recorded_name(strategy),
    "evaluator": recorded_name(evaluator),
    "seed": seed,
    "batch_size": BATCH_SIZE,
    **dataclasses.asdict(bounds),
    "validation_fraction": validation_fraction,
    **data.settings,
    **flat_settings(network=configs.network_config, training=configs.training_config),
  }
  best = search_in_directory(
    directory,
    settings,
    architectures,
    strategy_of(strategy, proposals, seed),
    lambda: opened_evaluator(evaluator, context),
    budget=budget,
    callbacks=watchers,
    progress=verbose > 0,
  )
  return Found(
    directory,
    architectures,
    configs,
    data,
    best=best,
    task=task,
    validation_fraction=validation_fraction,
    seed=seed,
  )


def _check_early(
  directory: str,
  space: AnySpace | None,
  strategy: AnyStrategy,
  evaluator: AnyEvaluator,
  bounds: CostBounds,
  seed: int,
) -> None:
  """Checks what can be checked before the data are read."""
  if os.path.exists(directory) and not os.path.isdir(directory):
    raise NotADirectoryError(f"{directory}: is a file; expected the directory of a search as workdir")
  fields.integer(seed, "seed", 0)
  check_evaluator(evaluator)
  known = strategy.space if space is None and isinstance(strategy, Strategy) else space
  if known is not None:
    check_strategy(strategy, space_of(known), bounded=bounds != CostBounds())


def _space_for(task: "Task", space: AnySpace | None, strategy: AnyStrategy) -> AnySpace:
  """Returns what is searched: what is given, or what a ready strategy searches, or what the task has networks for."""
  if space is not None:
    return space
  return strategy.space if isinstance(strategy, Strategy) else task.space


def _check_networks(space: SearchSpace, task: "Task", configs: Configs, seed: int) -> None:
  """Checks that the networks of a space are for a task, and that this machine has the memory to train them.

  Raises:
    ValueError: if they are not, or it has not.
  """
  task.check_genotype(space.decode(space.sample(np.random.default_rng(seed))))
  check_memory(space, task, configs)


def _checked_callbacks(callbacks: Any) -> tuple[Callable[[Trial], None], ...]:
  """Returns callbacks, after checking that they can be called."""
  given = tuple(callbacks) if isinstance(callbacks, Iterable) else (callbacks,)
  wrong = [callback for callback in given if not callable(callback)]
  if wrong or callable(callbacks):
    raise ValueError(f"expected callbacks, a list of functions of a trial, got {callbacks!r}")
  return given


def _fitting(task: "Task", overrides: Mapping[str, Any]) -> dict[str, Any]:
  """Returns settings that fit the data better than the defaults do, of those that are not given.

  Little data is divided into smaller batches, so that an epoch has a few steps. Large images get a stem that reduces
  them first.
  """
  fitting: dict[str, Any] = {}
  count, default = task.num_examples("train"), task.child.training_config
  per_step = getattr(default, "segment_length", 1)
  largest = 1 << max(0, (count // (_STEPS_PER_EPOCH * per_step)).bit_length() - 1)
  if largest < default.batch_size:
    fitting["batch_size"] = largest
  if len(task.input_shape) == 3 and min(task.input_shape[:2]) >= _LARGE_IMAGE:
    fitting["stem"] = "imagenet"
  fitting = {name: value for name, value in fitting.items() if name not in overrides}
  for name, value in fitting.items():
    size = "x".join(map(str, task.input_shape)) or "one word"
    logging.warning("%s: %s is %s, which fits its %d examples of %s better", task.name, name, value, count, size)
  return fitting
