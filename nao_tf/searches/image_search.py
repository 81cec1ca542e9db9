"""A search for a network that classifies your images, in one call.

    found = nao_tf.search(x_train, y_train, num_trials=40, workdir="runs/mine")
    model = found.train(epochs=60)

Everything that is done can be done with the parts, too: a task, a space, a strategy, an evaluator, a journal and
`run_search`.
"""

import contextlib
import os
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from absl import logging

from nao_tf.evaluators import EvaluatorContext, evaluator_class, make_evaluator
from nao_tf.runs.journal import TRIALS_FILE, read_search
from nao_tf.runs.settings import RunDirectoryError, flat_settings
from nao_tf.searches.found import Found
from nao_tf.searches.overrides import overridden
from nao_tf.searches.search_directory import Budget, search_in_directory
from nao_tf.spaces import make_space
from nao_tf.strategies import make_strategy
from nao_tf.trial import Trial

if TYPE_CHECKING:
  from nao_tf.tasks.image_classification import ImageClassification

BATCH_SIZE = 8
_STEPS_PER_EPOCH = 8
_LARGE_IMAGE = 96


def search(
  x: Any,
  y: Any = None,
  *,
  workdir: str | os.PathLike[str],
  num_trials: int = 40,
  space: str = "nasnet5",
  strategy: str = "nao",
  evaluator: str = "training",
  seed: int = 0,
  max_seconds: float | None = None,
  max_parameters: int | None = None,
  validation_fraction: float | None = None,
  image_size: int | tuple[int, int] | None = None,
  skip_corrupt: bool = False,
  data_dir: str | None = None,
  download: bool = False,
  callbacks: Iterable[Callable[[Trial], None]] = (),
  verbose: int = 1,
  **overrides: Any,
) -> Found:
  """Searches for a network that classifies images.

  Killed at any moment and called again with the same images and settings, it goes on where it was.

  Args:
    x: images, in one of these forms; see `nao_tf.tasks.image_input.image_input`:
      an array `[N, H, W, C]` or `[N, H, W]` of any type of numbers, or a list of N images;
      a `tf.data.Dataset` of (image, label), or of batches of them;
      the path of a directory with a folder of images for each class;
      the path of a CSV file with names of images and labels;
      the name of a task of images: "digits", "cifar10", any image set of TensorFlow Datasets.
    y: labels of the images, texts or whole numbers, if `x` is an array or a list.
    workdir: directory of the search; made if it does not exist, continued if it does.
    num_trials: architectures to evaluate, failed ones included.
    space: what to search, by name.
    strategy: how to search, by name.
    evaluator: how to evaluate an architecture, by name.
    seed: of all randomness.
    max_seconds: no batch of architectures is begun when this call has taken so long; None for no limit.
    max_parameters: networks with more parameters fail; None for no limit.
    validation_fraction: share of the images of each class that networks are compared on; None for the share that the
      task holds out, a fifth of your own images.
    image_size: height and width to resize all images to; None to keep their size.
    skip_corrupt: whether to leave out files that are no images, with a warning.
    data_dir: directory of prepared data sets, for tasks.
    download: whether to download and prepare the data of a task if it is missing.
    callbacks: each is called with every trial that has been evaluated, those of an interrupted search included.
    verbose: 1 to show a progress bar, 0 to show nothing.
    **overrides: fields of `ImageNetworkConfig` and `TrainingConfig` for the networks that are compared, such as
      `epochs=10`, `num_cells=1`, `filters=16`, `batch_size=64`.

  Returns:
    What was found; `train` makes a model of Keras from the best.

  Raises:
    ValueError: if the images cannot be learned from, or a setting is unknown or out of range; nothing was done then.
    RunDirectoryError: if the directory is in use, or was made with other images or settings.
    NothingFound: if no trial has a reward.
  """
  from nao_tf.tasks.image_input import image_input

  directory, architectures = os.fspath(workdir), make_space(space)
  proposer = make_strategy(strategy, architectures, seed=seed)
  evaluator_class(evaluator)
  images = image_input(x, y, image_size=image_size, skip_corrupt=skip_corrupt, data_dir=data_dir, download=download)
  task = images.make_task(validation_fraction)
  configs = overridden(task.child, {**overrides, **_fitting(task, overrides)})
  _check_images(directory, images.settings)
  course = {"space": space, "strategy": strategy, "evaluator": evaluator, "seed": seed, "batch_size": BATCH_SIZE}
  course |= {"max_parameters": max_parameters, "validation_fraction": validation_fraction, **images.settings}
  course |= flat_settings(network=configs.network_config, training=configs.training_config)
  context = EvaluatorContext(
    architectures,
    seed=seed,
    make_task=lambda: task,
    configs=configs,
    directory=directory,
    max_parameters=max_parameters,
  )
  best = search_in_directory(
    directory,
    course,
    architectures,
    proposer,
    lambda: contextlib.nullcontext(make_evaluator(evaluator, context)),
    budget=Budget(num_trials=num_trials, batch_size=BATCH_SIZE, max_seconds=max_seconds),
    callbacks=callbacks,
    progress=verbose > 0,
  )
  return Found(
    directory,
    architectures,
    configs,
    images.make_task,
    best=best,
    labels=task.labels,
    seed=seed,
    settings=images.settings,
  )


def _fitting(task: "ImageClassification", overrides: Mapping[str, Any]) -> dict[str, Any]:
  """Returns settings that fit the images better than the defaults do, of those that are not given.

  Few images are divided into smaller batches, so that an epoch has a few steps. Large images get a stem that reduces
  them first.
  """
  fitting: dict[str, Any] = {}
  count, default = task.num_examples("train"), task.child.training_config
  largest = 1 << max(0, (count // _STEPS_PER_EPOCH).bit_length() - 1)
  if largest < default.batch_size:
    fitting["batch_size"] = largest
  if min(task.input_shape[:2]) >= _LARGE_IMAGE:
    fitting["stem"] = "imagenet"
  fitting = {name: value for name, value in fitting.items() if name not in overrides}
  for name, value in fitting.items():
    logging.warning("%s: %s is %s, which fits its %d images of %s better", task.name, name, value, count, _size(task))
  return fitting


def _size(task: "ImageClassification") -> str:
  return "x".join(map(str, task.input_shape))


def _check_images(directory: str, settings: Mapping[str, Any]) -> None:
  """Checks that a search that was begun in a directory was begun with these images.

  Raises:
    RunDirectoryError: if it was begun with others.
  """
  if not os.path.exists(os.path.join(directory, TRIALS_FILE)):
    return
  settings_there, trials = read_search(directory)
  recorded = {} if all(trial.evaluation is None for trial in trials) else settings_there
  names = [name for name in settings if name.startswith("data.") and name in recorded]
  changed = [name.removeprefix("data.") for name in names if recorded[name] != settings[name]]
  if changed:
    shapes = [tuple(values.get("data.shape", ())) for values in (recorded, settings)]
    raise RunDirectoryError(
      f"{directory}: was made with other images, their {', '.join(changed)} differ; there they were {shapes[0]}, now they"
      f" are {shapes[1]}; choose another workdir for these"
    )
