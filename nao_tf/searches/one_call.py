"""A search in one call: for a network that classifies your images, or for a language model of your texts.

    found = nao_tf.search(x_train, y_train, num_trials=40, workdir="runs/mine")
    model = found.train(epochs=60)

Everything that is done can be done with the parts, too: a task, a space, a strategy, an evaluator, a journal and
`run_search`.
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
      texts, "autokeras" for the strategy of that name.
    strategy: how to search: a name, a place, a subclass of `Strategy`, or a strategy that was asked nothing; or the name
      of a one-shot search, such as "darts", which trains one network that holds all architectures. Overrides are for
      that network then, and there is no number of trials, no evaluator and no executor.
    evaluator: how to evaluate an architecture: a name, a place, a class with `from_context`, or an object with
      `evaluate`. None: "training", or "inherited" for the strategy "autokeras".
    objectives: what to search for, if that is more than the reward: two or more of "accuracy", "loss", "perplexity",
      "parameters", "multiply_adds", "latency"; or metrics of your own evaluator with a direction, "f1:max" or
      "energy:min". `Found.pareto_set` has the trials that no other one betters in all of them.
    latency_batch_size: examples of the batch that the objective "latency" is measured with, in milliseconds.
    seed: of all randomness.
    max_parameters: networks with more parameters are not proposed; None for no limit.
    max_multiply_adds: networks with more multiply-adds for one image or one token are not proposed; None for no limit.
    validation_fraction: share of the data, of each class of images, that networks are compared on. None for the share
      that the task holds out, a fifth of your own images and a tenth of your own texts.
    image_size: height and width to resize all images to; None to keep their size.
    skip_corrupt: whether to leave out files that are not images, with a warning.
    class_weight: "balanced" if all classes are to count the same in the loss, or weights by label; None if all images
      are.
    max_vocabulary: how many words the vocabulary of a text may have; None for all.
    data_dir: directory of prepared data sets, for tasks.
    download: whether to download and prepare the data of a task if it is missing.
    executor: where architectures are evaluated: "inline", one after the other in this process; "processes", in processes
      on this machine; "ray", with Ray; a place; a subclass of `Executor`; or an executor, which has evaluators of its own
      and is not closed here. Workers get a copy of the data. They import your script, so a script that is not a notebook
      searches below `if __name__ == "__main__":`. None: "inline", or "processes" if there is more than one worker or a
      `trial_timeout`.
    num_workers: how many are evaluated at a time. None: one inline, with processes one for each GPU or else for each
      core, with Ray as many as there is room for.
    trial_timeout: seconds after which an evaluation has failed; not inline. None for no limit.
    trials_per_batch: how many architectures the strategy is asked for at a time, as `--batch_size` of nao-search; the
      override `batch_size` is that of trainings. None: 1, as often as a worker is free, so that each proposal knows all
      that has ended; 8 with the evaluator "shared_weights", which scores many at once; for a search that goes on, the
      number that it was begun with.
    rungs: epochs after which networks are compared, and only the better ones train on, such as `(1, 3, 9)`; the last
      number is that of a whole training, in place of the override `epochs`. None: each is trained as a whole.
    reduction: with rungs: of so many networks at a rung, one trains on.
    promotion: with rungs: which ones train on: "asynchronous", those that are among the best so far; "halving", the best of
      a bracket of networks that began together; "hyperband", the same with brackets that begin at several rungs.
    max_epochs: with rungs: epochs of all networks together, beside `num_trials`; None for no limit.
    warm_start: directory of an earlier search of the same space, of other data or with shorter trainings, to learn from,
      for the strategy "nao". It is used as far as it helps; None for none.
    proxies: what is known of networks without training that the strategy "nao" learns from, as far as it helps:
      "parameters", "multiply_adds"; of images also "synflow" and "naswot".
    callbacks: each is called with every trial that has been evaluated, those of an interrupted search included.
    tensorboard: whether to write the curves of the search and of each trial, hyperparameters and images of the best
      cells; `tensorboard --logdir=WORKDIR` shows them.
    verbose: 1 to show a progress bar, 0 to show nothing.
    **overrides: fields of `ImageNetworkConfig` and `TrainingConfig` for the networks that are compared, such as
      `epochs=10`, `num_cells=1`, `filters=16`, `batch_size=64`; for texts those of `LanguageModelConfig` and
      `LanguageTrainingConfig`, such as `units=200`. A one-shot search has settings of its own, which are named as
      their flags: `relaxed_cost_weight=0.01` for searches by gradients, `sampling_policy_steps=10` for those by sampling.
      With shared weights, `shared_score="reward"` and other fields of `SharingConfig` say how they are scored. Settings of
      the strategy and of the evaluator are named as their flags, too: `evolution_population_size=20`,
      `bayesian_preset="nasbot"`, `inherited_patience=3`.

  Returns:
    What was found; `train` makes a model of Keras from the best.

  Raises:
    ValueError: if the data cannot be learned from, or a setting is unknown or out of range; nothing was done then.
    FileNotFoundError: if there is no such file or directory, or the data of a task is missing.
    RunDirectoryError: if the directory is in use, or was made with other data or settings.
    NothingFound: if no trial has a reward.
  """
  from nao_tf.tasks.task_input import task_input
  from nao_tf.training.graph_memory import released_graphs

  directory, watchers = checked_directory(workdir), _checked_callbacks(callbacks)
  fields.integer(verbose, "verbose", 0)
  fields.boolean(tensorboard, "tensorboard")
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
  warm = None if warm_start is None else os.fspath(warm_start)
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
  """Returns the evaluator that a strategy is made for, if it searches the space that it is made for."""
  is_its_space = space is None or recorded_name(space) == preferred(strategy, "preferred_space")
  if isinstance(executor, Executor) or not is_its_space:
    return DEFAULT_EVALUATOR
  return preferred(strategy, "preferred_evaluator") or DEFAULT_EVALUATOR


def _batch_size(trials_per_batch: int | None, evaluator: AnyEvaluator, directory: str) -> int:
  """Returns how many architectures the strategy is asked for at a time: what is given, what is on record, or the default."""
  if trials_per_batch is not None:
    return fields.integer(trials_per_batch, "trials_per_batch", 1)
  if os.path.exists(os.path.join(directory, CONFIG_FILE)):
    recorded = read_settings(directory).get("batch_size")
    if isinstance(recorded, int) and recorded >= 1:
      return recorded
  return SHARED_BATCH if is_shared(evaluator) else 1


def _members(names: Sequence[str]) -> tuple[Objective, ...]:
  """Returns the objectives of these names; none for the reward alone."""
  found = objectives_of(names)
  return () if found is None else found.members


def _budget(
  num_trials: int | None, max_seconds: float | None, batch_size: int, rungs: RungConfig | None = None
) -> Budget:
  """Returns how long to search: 40 trials unless something else is said."""
  limited = num_trials if num_trials is not None or max_seconds is not None else NUM_TRIALS
  return Budget(num_trials=limited, batch_size=batch_size, max_seconds=max_seconds, rungs=rungs)


def _checked_callbacks(callbacks: Any) -> tuple[Callable[[Trial], None], ...]:
  """Returns callbacks, after checking that they can be called."""
  given = tuple(callbacks) if isinstance(callbacks, Iterable) else (callbacks,)
  wrong = [callback for callback in given if not callable(callback)]
  if wrong or callable(callbacks):
    raise ValueError(f"expected callbacks, a list of functions of a trial, got {callbacks!r}")
  return given
