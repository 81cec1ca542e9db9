"""The result of `nao_tf.search`: its trials, its report, and methods to train and export the best network."""

import hashlib
import importlib
import importlib.util
import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nao_tf import fields
from nao_tf.objectives import pareto_set_on_record
from nao_tf.reports import write_report
from nao_tf.runs.journal import read_search, read_trials
from nao_tf.runs.recorded_configs import from_settings
from nao_tf.runs.run_lock import RunLock
from nao_tf.runs.settings import RunDirectoryError, without_additions
from nao_tf.searches.choices import AnySpace, space_of
from nao_tf.searches.memory import check_network_memory
from nao_tf.searches.overrides import overridden
from nao_tf.searches.progress import outcome
from nao_tf.searches.report_page import ReportPage
from nao_tf.searches.same_data import check_same_task
from nao_tf.searches.search_directory import NothingFound
from nao_tf.searches.search_record import SearchRecord
from nao_tf.serving.precisions import FLOAT32, check_precision_of_format
from nao_tf.spaces.base import SearchSpace
from nao_tf.spaces.genotypes import Genotype
from nao_tf.tasks.base import Configs, Task
from nao_tf.trial import Trial

if TYPE_CHECKING:
  from tensorflow import keras

  from nao_tf.serving.trained_networks import TrainedNetwork
  from nao_tf.tasks.given_task import TaskInput

TRAININGS = "trainings"
SAVED_MODEL = "saved_model"
_OPTIONS = ("image_size", "class_weight", "max_vocabulary")
"""Data options that a search records."""


class Found:
  """The result of a search, as returned by `nao_tf.search`.

  Attributes:
    directory: directory of the search.
    best: the best trial; None if no trial has a reward yet.
    labels: class names for images, in the order of the model's output probabilities; empty for text.
    history: metrics of each epoch of the last call to `train`; empty before the first call.
  """

  def __init__(
    self,
    directory: str,
    space: SearchSpace,
    configs: Configs,
    data: "TaskInput",
    *,
    best: Trial | None,
    task: Task,
    validation_fraction: float | None,
    seed: int,
  ):
    """Initializes the result of a search.

    Args:
      directory: directory of the search.
      space: the search space.
      configs: how candidate networks were built and trained.
      data: the data of the search.
      best: the best trial; None if no trial has a reward yet.
      task: the task that candidate networks were trained on.
      validation_fraction: fraction of the data that candidates were evaluated on; None for the default of the task.
      seed: random seed of the search.
    """
    self.directory, self.best = directory, best
    self.labels: tuple[str, ...] = tuple(getattr(task, "labels", ()))
    self.history: list[dict[str, float]] = []
    self._space, self._configs, self._data = space, configs, data
    self._final_fraction = task.final_options.get("validation_fraction", validation_fraction)
    self._seed = seed
    self._trained: TrainedNetwork | None = None

  @property
  def trials(self) -> Any:
    """All trials, one per row: a pandas DataFrame if pandas is installed, otherwise a list of dicts."""
    rows = [_row(trial, self._space) for trial in read_trials(self.directory)]
    if importlib.util.find_spec("pandas") is None:
      return rows
    return importlib.import_module("pandas").DataFrame(rows)

  @property
  def pareto_set(self) -> list[Trial]:
    """In a multi-objective search, the trials that are not dominated by any other; empty otherwise."""
    return pareto_set_on_record(*read_search(self.directory))

  def report(self) -> ReportPage:
    """Writes the HTML report of the search and returns its path. Notebooks display the page itself."""
    return ReportPage(write_report(self.directory, self._space))

  def train(
    self,
    *,
    epochs: int,
    trial: Trial | None = None,
    validation_fraction: float | None = None,
    tensorboard: bool = True,
    verbose: int = 1,
    **overrides: Any,
  ) -> "keras.Model":
    """Trains the best network, or the network of a given trial, from scratch and returns it as a Keras model.

    The network has the same size as in the search unless overrides change it. Each training has its own subdirectory in
    the directory of the search. Calling `train` again with the same arguments resumes an interrupted training from its
    last checkpoint, and loads the model of a finished one.

    Args:
      epochs: number of passes over the training data.
      trial: trial whose network to train, such as one of `pareto_set`; None for the best.
      validation_fraction: fraction of the data, in [0, 1), to hold out for the evaluation after each epoch. None: no
        images, and the same fraction of text as in the search.
      tensorboard: whether to write training curves for TensorBoard.
      verbose: 1 to show a progress bar, 0 to be silent.
      **overrides: fields of the network and training configurations that differ from the search, such as `num_cells=6`,
        `filters=36` or `learning_rate=0.1`.

    Returns:
      A compiled Keras model. For images, it maps `[B, H, W, C]`, in the value range of your images, to class
      probabilities `[B, classes]`. For text, it maps token ids `[B, T]` to the probabilities of the next tokens. See
      `nao_tf.load_model`.

    Raises:
      NothingFound: if no trial has a reward yet.
      ValueError: if an override is unknown or out of range, no network for the task can be built from what was found, or
        it needs more memory than the machine has.
      nao_tf.training.base.Diverged: if the loss becomes NaN or infinite.
      nao_tf.runs.run_lock.RunDirectoryInUse: if another process is running the same training.
    """
    from nao_tf.training.history import read_history

    fields.integer(verbose, "verbose", 0)
    fields.boolean(tensorboard, "tensorboard")
    fields.number_or_none(validation_fraction, "validation_fraction")
    genotype, configs = self._genotype(trial), overridden(self._configs, {"epochs": epochs, **overrides})
    fraction = self._final_fraction if validation_fraction is None else validation_fraction
    task = self._data.make_task(fraction)
    task.check_genotype(genotype)
    check_network_memory(genotype, task, configs)
    trained = self._train(task, genotype, configs, fraction, tensorboard=tensorboard, progress=verbose > 0)
    self.history, self._trained = read_history(trained.directory), trained
    return trained_model(trained)

  def export(self, path: str | os.PathLike[str], *, format: str = SAVED_MODEL, precision: str = FLOAT32) -> str:
    """Exports the network of the last call to `train` and returns the path.

    Exported networks do not need this package, except for the .keras file of a language model, which is loaded with
    `nao_tf.load_model`.

    Args:
      path: directory of the SavedModel, or path of the file, to write.
      format: "saved_model", which takes raw images or texts; "keras" for a .keras file; for images also "tflite" (a
        .tflite file with 8-bit weights), "tflite_float16" (16-bit weights) or "tflite_int8" (8-bit weights and
        activations).
      precision: storage type of the weights in a SavedModel: "float32", "bfloat16" or "float16". Inputs and outputs are
        float32 in any case.

    Returns:
      The path, as a string.

    Raises:
      RuntimeError: if `train` has not been called.
      ValueError: if the format or precision is not supported for the network, or the path has the wrong file extension.
      nao_tf.serving.saved_models.ExportError: if the directory contains anything other than an export.
    """
    if self._trained is None:
      raise RuntimeError("there is no trained network to export yet; call train(epochs=...) first")
    _export(self._trained, os.fspath(path), format, precision)
    return os.fspath(path)

  def _genotype(self, trial: Trial | None) -> Genotype:
    chosen = trial or self.best
    if chosen is None:
      raise NothingFound(f"{self.directory}: no trial has a reward yet, so there is no best network to train")
    genotype: Genotype = self._space.decode(chosen.architecture)
    return genotype

  def _train(
    self, task: Task, genotype: Genotype, configs: Configs, fraction: float | None, *, tensorboard: bool, progress: bool
  ) -> "TrainedNetwork":
    """Trains in a directory named after a hash of all settings that the training depends on."""
    import tensorflow as tf

    from nao_tf.searches.final_training import finished_network, train_in_directory, training_settings
    from nao_tf.serving.trained_networks import TrainedNetwork
    from nao_tf.training.graph_memory import released_graphs

    own = {"validation_fraction": fraction, **training_settings(genotype, configs, self._seed)}
    settings = {**self._data.settings, **own}
    directory = os.path.join(self.directory, TRAININGS, _digest(settings))
    with RunLock(directory) as lock, released_graphs():
      trainer = train_in_directory(
        directory,
        task,
        genotype,
        configs,
        distribution=tf.distribute.get_strategy(),
        seed=self._seed,
        lock=lock,
        settings=settings,
        progress=progress,
        tensorboard=tensorboard,
      )
    network = finished_network(directory, task, genotype, configs, trainer, seed=self._seed)
    return TrainedNetwork(directory, network, genotype, task, configs.training_config.epochs)

  def __repr__(self) -> str:
    best = "none yet" if self.best is None else f"trial {self.best.id}, reward {outcome(self.best)}"
    return f"Found({self.directory!r}, best: {best})"

  def _repr_html_(self) -> str:
    """Returns the HTML report, for notebooks."""
    return self.report()._repr_html_()


def found_again(record: SearchRecord, x: Any, y: Any, *, space: AnySpace | None = None, **options: Any) -> Found:
  """Returns the result of a recorded search, together with its data.

  Args:
    record: record of a search by `nao_tf.search` or `nao-search`, which may still be running.
    x: the data of the search; see `nao_tf.search`.
    y: labels of the images.
    space: the search space; None for the recorded one.
    **options: data options in addition to the recorded ones.

  Raises:
    RunDirectoryError: if the search was run on other data, or its record is incomplete.
    ValueError: if the data is invalid, or the space cannot be constructed from its recorded name.
  """
  from nao_tf.tasks.task_input import task_input

  settings = record.settings
  missing = [name for name in ("space", "task", "seed") if name not in settings]
  if missing:
    raise RunDirectoryError(
      f"{record.directory}: records no {missing[0]}; expected a search of nao_tf.search or nao-search"
    )
  recorded = {name: settings[name] for name in _OPTIONS if settings.get(name) is not None}
  data = task_input(x, y, **{**recorded, **options})
  check_same_task(record.directory, settings, data.settings, x)
  task = data.make_task(settings.get("validation_fraction"))
  configs = Configs(
    from_settings(task.child.network_config, settings, "network"),
    from_settings(task.child.training_config, settings, "training"),
  )
  return Found(
    record.directory,
    space_of(settings["space"] if space is None else space),
    configs,
    data,
    best=record.best,
    task=task,
    validation_fraction=settings.get("validation_fraction"),
    seed=settings["seed"],
  )


def trained_model(trained: "TrainedNetwork") -> "keras.Model":
  """Returns a trained network as `nao_tf.load_model` does, or as it was built if its task has no exporter."""
  from nao_tf.serving import has_exporter
  from nao_tf.serving.keras_models import load_model

  return load_model(trained.directory) if has_exporter(trained.task) else trained.network


def _export(trained: "TrainedNetwork", path: str, name: str, precision: str) -> None:
  """Exports a trained network in a format."""
  from nao_tf.serving import export_network
  from nao_tf.serving.model_files import FORMATS, check_file
  from nao_tf.serving.trained_image_files import export_file, some_images, training_images
  from nao_tf.serving.trained_language_files import check_language_format, export_language_file
  from nao_tf.tasks.image_classification import ImageClassification

  check_precision_of_format(precision, name)
  if name == SAVED_MODEL:
    export_network(trained.network, path, genotype=trained.genotype, task=trained.task, precision=precision)
    return
  if name not in FORMATS:
    raise ValueError(f"unknown format {name!r}; expected one of {', '.join((SAVED_MODEL, *FORMATS))}")
  if not isinstance(trained.task, ImageClassification):
    check_language_format(name, trained.task.name)
    export_language_file(trained, path)
    return
  check_file(path, name)
  export_file(trained, path, name, some_images(trained.task), training_images(trained.task))


def _row(trial: Trial, space: SearchSpace) -> dict[str, Any]:
  """Returns a trial as a row of the table of trials."""
  evaluation = trial.evaluation
  return {
    "trial": trial.id,
    "origin": str(trial.origin),
    "reward": trial.reward,
    "seconds": None if evaluation is None else trial.seconds,
    **({} if evaluation is None else {**evaluation.metrics, **evaluation.objectives}),
    "architecture": space.format(trial.architecture),
  }


def _digest(settings: Mapping[str, Any]) -> str:
  """Returns a short hash of settings, used as a directory name."""
  return hashlib.sha256(json.dumps(without_additions(settings), sort_keys=True).encode()).hexdigest()[:12]
