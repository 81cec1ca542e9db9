"""A whole search in one call: an image classifier or a language model for your own data.

    found = nao_tf.search(x_train, y_train, num_trials=40, workdir="runs/mine")
    model = found.train(epochs=60)

The same can be built from the parts: a task, a search space, a strategy, an evaluator, a journal and `run_search`.
"""

import functools
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from nao_tf import fields
from nao_tf.networks.cost_bounds import CostBounds
from nao_tf.objectives import Objective, objectives_of
from nao_tf.runs.places import checked_directory
from nao_tf.runs.settings import CONFIG_FILE, read_settings
from nao_tf.searches.choices import AnyEvaluator, AnySpace, AnyStrategy, preferred, recorded_name
from nao_tf.searches.component_settings import evaluator_settings, strategy_settings
from nao_tf.searches.cost_proxies import check_proxies
from nao_tf.searches.executors import Executor
from nao_tf.searches.found import Found
from nao_tf.searches.one_shot import is_one_shot
from nao_tf.searches.one_shot.planned import check_arguments, planned_one_shot_search
from nao_tf.searches.planned_search import Choices, planned_search
from nao_tf.searches.rungs import RungConfig, rungs_of
from nao_tf.searches.search_directory import Budget
from nao_tf.searches.workers import DEFAULT_EVALUATOR, SHARED_BATCH, AnyExecutor, is_shared, workers_of
from nao_tf.trial import Trial

NUM_TRIALS = 40


def search(
  x: Any,
  y: Any = None,
  *,
  workdir: str | os.PathLike[str],
  num_trials: int | None = None,
  max_seconds: float | None = None,
  space: AnySpace | None = None,
  strategy: AnyStrategy = "nao",
  evaluator: AnyEvaluator | None = None,
  objectives: Sequence[str] = (),
  latency_batch_size: int = 1,
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
  executor: AnyExecutor | None = None,
  num_workers: int | None = None,
  trial_timeout: float | None = None,
  trials_per_batch: int | None = None,
  rungs: Sequence[int] | None = None,
  reduction: int = 3,
  promotion: str = "asynchronous",
  max_epochs: int | None = None,
  warm_start: str | os.PathLike[str] | None = None,
  proxies: Sequence[str] = (),
  callbacks: Iterable[Callable[[Trial], None]] = (),
  tensorboard: bool = True,
  verbose: int = 1,
  **overrides: Any,
) -> Found:
  """Searches for the architecture of an image classifier or a language model.

  A search that was interrupted resumes when `search` is called again with the same data and settings.

  Args:
    x: the training data, in one of these forms:
      images: an array `[N, H, W, C]` or `[N, H, W]` of any numeric type, or a list of N images;
      a `tf.data.Dataset` of (image, label) pairs, or of batches of them;
      the path of a directory with one subdirectory of images per class;
      the path of a CSV file of image paths and labels;
      text: a list of strings, the path of a .txt file, or of a directory with train, valid and test texts;
      the name of a task: "digits", "cifar10", any image classification data set of TensorFlow Datasets,
      "python_reference";
      a task, as returned by `nao_tf.make_task`.
    y: labels of the images, as strings, integers or one-hot vectors, if `x` is an array or a list of images.
    workdir: directory of the search. It is created if it does not exist; if it holds a search, that search is resumed.
    num_trials: number of architectures to evaluate, including failed ones. None: 40, or unlimited if `max_seconds` is
      given.
    max_seconds: time limit of this call, in seconds, after which no new batch of architectures is started; None for no
      limit.
    space: the search space: a name, an import path `package.module:Name`, or a `SearchSpace`. None: "nasnet5" for
      images, "rnn12" for text, "autokeras" for the strategy of that name.
    strategy: the search strategy: a name, an import path, a subclass of `Strategy`, or a fresh instance of one; or the
      name of a one-shot search, such as "darts", which trains a single supernet that contains all architectures. A
      one-shot search has no number of trials, evaluator or executor; its overrides configure the supernet.
    evaluator: how to evaluate architectures: a name, an import path, a class with `from_context`, or an object with
      `evaluate`. None: "training", or "inherited" for the strategy "autokeras".
    objectives: for a multi-objective search, two or more of "accuracy", "loss", "perplexity", "reward", "parameters",
      "multiply_adds" and "latency", or metrics of your own evaluator with a direction, such as "f1:max" or
      "energy:min". The result's `pareto_set` holds the trials that no other dominates. Empty: maximize the reward.
    latency_batch_size: batch size at which the objective "latency" is measured, in milliseconds.
    seed: random seed, not negative.
    max_parameters: maximum number of parameters of a candidate network; None for no limit.
    max_multiply_adds: maximum number of multiply-adds of a candidate network per image or token; None for no limit.
    validation_fraction: fraction of the data to hold out for evaluating candidates, stratified by class for images.
      None: the default of the task; 0.2 for your own images, 0.1 for your own text.
    image_size: height and width to resize all images to; None to keep their size.
    skip_corrupt: whether to skip files that are not valid images, with a warning.
    class_weight: "balanced" to give every class the same total weight in the loss, or a mapping from labels to weights;
      None to weight all images equally.
    max_vocabulary: maximum size of the vocabulary of a text; None for no limit.
    data_dir: directory of prepared data sets, for tasks given by name.
    download: whether to download and prepare missing data of a task.
    executor: where architectures are evaluated: "inline" (sequentially in this process), "processes" (worker processes
      on this machine), "ray" (a Ray cluster), an import path, a subclass of `Executor`, or an executor with evaluators
      of its own, which is not closed here. Workers receive a copy of the data and import your script, so a script must
      call `search` below `if __name__ == "__main__":`. None: "inline", or "processes" with more than one worker or a
      `trial_timeout`.
    num_workers: number of architectures to evaluate in parallel. None: 1 inline; with processes one per GPU, or else
      per core; with Ray as many as fit the cluster.
    trial_timeout: time limit of an evaluation, in seconds, after which it fails; not supported inline. None for no
      limit.
    trials_per_batch: number of architectures to request from the strategy at a time, like `--batch_size` of nao-search
      (the override `batch_size` is that of training). None: 1, so that each proposal uses all finished trials; 8 with
      the evaluator "shared_weights", which scores many at once; the recorded number when a search is resumed.
    rungs: for early stopping, increasing numbers of epochs after which candidates are compared and only the better ones
      continue, such as `(1, 3, 9)`. The last is the length of a full training and replaces the override `epochs`. None:
      train every candidate in full.
    reduction: with rungs, the reduction factor: one of this many candidates is promoted from each rung to the next.
    promotion: with rungs, which candidates are promoted: "asynchronous", those among the best so far (ASHA); "halving",
      the best of a bracket of candidates started together; "hyperband", the same with brackets that start at different
      rungs.
    max_epochs: with rungs, maximum total number of training epochs of all candidates, in addition to `num_trials`; None
      for no limit.
    warm_start: for the strategy "nao", the directory of an earlier search of the same space, on other data or with
      shorter trainings, to learn from. It is used only as far as it improves predictions; None for none.
    proxies: for the strategy "nao", training-free features that the surrogate model may use, as far as they improve
      predictions: "parameters" and "multiply_adds"; for images also the zero-cost proxies "synflow" and "naswot".
    callbacks: functions that are called with every evaluated trial, including those of an interrupted search.
    tensorboard: whether to log the curves of the search and of each trial, hyperparameters, and images of the best
      cells. View them with `tensorboard --logdir=WORKDIR`.
    verbose: 1 to show a progress bar, 0 to be silent.
    **overrides: fields of `ImageNetworkConfig` and `TrainingConfig` for candidate networks, such as `epochs=10`,
      `num_cells=1`, `filters=16` or `batch_size=64`; for text, fields of `LanguageModelConfig` and
      `LanguageTrainingConfig`, such as `units=200`. Settings of the strategy and the evaluator are named like their
      flags: `evolution_population_size=20`, `bayesian_preset="nasbot"`, `inherited_patience=3`. So are those of
      one-shot searches: `relaxed_cost_weight=0.01` for gradient-based ones, `sampling_policy_steps=10` for
      sampling-based ones. With shared weights, `shared_score="reward"` and other fields of `SharingConfig` set how
      candidates are scored.

  Returns:
    A `Found`, whose `train` method trains the best network and returns it as a Keras model.

  Raises:
    ValueError: if the data is invalid, or a setting is unknown or out of range; nothing has been done then.
    FileNotFoundError: if a file or directory does not exist, or the data of a task is missing.
    RunDirectoryError: if the directory is in use, or holds a search with other data or settings.
    NothingFound: if no trial has a reward.
    nao_tf.objectives.NotMeasured: a ValueError, if your evaluator does not measure an objective; the first trial shows it.
  """
  from nao_tf.tasks.task_input import task_input
  from nao_tf.training.graph_memory import released_graphs

  directory, watchers = checked_directory(workdir), _checked_callbacks(callbacks)
  fields.integer(verbose, "verbose", 0)
  for name, value in (("tensorboard", tensorboard), ("skip_corrupt", skip_corrupt), ("download", download)):
    fields.boolean(value, name)
  fields.number_or_none(validation_fraction, "validation_fraction")
  seed = fields.integer(seed, "seed", 0)
  sought = tuple(str(objective) for objective in _members(objectives))
  read_data = functools.partial(
    task_input,
    x,
    y,
    image_size=image_size,
    skip_corrupt=skip_corrupt or None,
    class_weight=class_weight,
    max_vocabulary=max_vocabulary,
    data_dir=data_dir,
    download=download or None,
  )
  if is_one_shot(strategy):
    check_arguments(
      strategy,
      num_trials=num_trials,
      max_seconds=max_seconds,
      evaluator=evaluator,
      max_parameters=max_parameters,
      max_multiply_adds=max_multiply_adds,
      executor=executor,
      num_workers=num_workers,
      trial_timeout=trial_timeout,
      rungs=rungs,
      objectives=sought or None,
      warm_start=warm_start,
      proxies=proxies or None,
      trials_per_batch=trials_per_batch,
    )
    one_shot = planned_one_shot_search(directory, strategy, space, read_data, validation_fraction, overrides, seed=seed)
    with released_graphs():
      return one_shot.run(watchers, progress=verbose > 0, tensorboard=tensorboard)
  workers = workers_of(executor, num_workers, trial_timeout)
  evaluator = _evaluator_for(strategy, space, executor) if evaluator is None else evaluator
  strategy_config, overrides = strategy_settings(strategy, overrides)
  evaluator_config, overrides = evaluator_settings(evaluator, overrides)
  bounds = CostBounds(max_parameters, max_multiply_adds)
  batch_size = _batch_size(trials_per_batch, evaluator, directory)
  in_rungs = rungs_of(rungs, reduction, promotion, max_epochs, overrides)
  fields.integer(latency_batch_size, "latency_batch_size", 1)
  warm = None if warm_start is None else checked_directory(warm_start, "warm_start")
  choices = Choices(
    space=space,
    strategy=strategy,
    evaluator=evaluator,
    seed=seed,
    bounds=bounds,
    workers=workers,
    batch_size=batch_size,
    rungs=in_rungs,
    objectives=sought,
    latency_batch_size=latency_batch_size,
    warm_start=warm,
    proxies=check_proxies(proxies),
    strategy_config=strategy_config,
    evaluator_config=evaluator_config,
  )
  budget = _budget(num_trials, max_seconds, batch_size, in_rungs)
  choices.check(x)
  planned = planned_search(directory, choices, read_data(), validation_fraction, overrides)
  with released_graphs():
    return planned.run(budget, watchers, progress=verbose > 0, tensorboard=tensorboard)


def _evaluator_for(strategy: AnyStrategy, space: AnySpace | None, executor: AnyExecutor | None) -> str:
  """Returns the preferred evaluator of a strategy if it searches its preferred space, otherwise the default evaluator."""
  is_its_space = space is None or recorded_name(space) == preferred(strategy, "preferred_space")
  if isinstance(executor, Executor) or not is_its_space:
    return DEFAULT_EVALUATOR
  return preferred(strategy, "preferred_evaluator") or DEFAULT_EVALUATOR


def _batch_size(trials_per_batch: int | None, evaluator: AnyEvaluator, directory: str) -> int:
  """Returns how many architectures to request at a time: the given number, the recorded one, or the default."""
  if trials_per_batch is not None:
    return fields.integer(trials_per_batch, "trials_per_batch", 1)
  if os.path.exists(os.path.join(directory, CONFIG_FILE)):
    recorded = read_settings(directory).get("batch_size")
    if isinstance(recorded, int) and recorded >= 1:
      return recorded
  return SHARED_BATCH if is_shared(evaluator) else 1


def _members(names: Sequence[str]) -> tuple[Objective, ...]:
  """Returns the objectives with the given names; empty for a search by reward alone."""
  found = objectives_of(names)
  return () if found is None else found.members


def _budget(
  num_trials: int | None, max_seconds: float | None, batch_size: int, rungs: RungConfig | None = None
) -> Budget:
  """Returns the search budget: 40 trials if no limit is given."""
  limited = num_trials if num_trials is not None or max_seconds is not None else NUM_TRIALS
  return Budget(num_trials=limited, batch_size=batch_size, max_seconds=max_seconds, rungs=rungs)


def _checked_callbacks(callbacks: Any) -> tuple[Callable[[Trial], None], ...]:
  """Checks that callbacks are callable and returns them."""
  given = tuple(callbacks) if isinstance(callbacks, Iterable) else (callbacks,)
  wrong = [callback for callback in given if not callable(callback)]
  if wrong or callable(callbacks):
    raise ValueError(f"expected callbacks, a list of functions of a trial, got {callbacks!r}")
  return given
