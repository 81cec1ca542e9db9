"""What a search for image networks has found: its trials, its report, and the training of the best network."""

import hashlib
import html
import importlib
import importlib.util
import json
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from nao_tf.runs.report import REPORT_FILE, write_report
from nao_tf.runs.run_lock import RunLock
from nao_tf.searches.overrides import overridden
from nao_tf.searches.reading import load
from nao_tf.spaces.base import SearchSpace
from nao_tf.tasks.base import Configs
from nao_tf.trial import Trial

if TYPE_CHECKING:
  from tensorflow import keras

  from nao_tf.tasks.image_classification import ImageClassification

TRAININGS = "trainings"
_FRAME = '<iframe srcdoc="{page}" style="width: 100%; height: 640px; border: 0"></iframe>'


class Found:
  """What a search for image networks has found.

  Attributes:
    directory: of the search.
    best: the trial with the highest reward.
    labels: names of the classes. The model gives their probabilities in this order.
    history: the metrics of each epoch of the last `train`; empty before.
  """

  def __init__(
    self,
    directory: str,
    space: SearchSpace,
    configs: Configs,
    make_task: Callable[[float | None], "ImageClassification"],
    *,
    best: Trial,
    labels: tuple[str, ...],
    seed: int,
    settings: Mapping[str, Any],
  ):
    """Holds the results of a search.

    Args:
      directory: of the search.
      space: what was searched.
      configs: how its networks were built and trained.
      make_task: returns the task with this share of the images held out.
      best: the trial with the highest reward.
      labels: names of the classes.
      seed: of the search.
      settings: what a training depends on beside what it is given, as JSON values.
    """
    self.directory, self.best, self.labels = directory, best, labels
    self.history: list[dict[str, float]] = []
    self._space, self._configs, self._make_task = space, configs, make_task
    self._seed, self._settings = seed, dict(settings)
    self._trained: tuple[Any, ImageClassification] | None = None

  @property
  def trials(self) -> Any:
    """All trials, one a row: a DataFrame where pandas is installed, else a list of dicts."""
    rows = [_row(trial, self._space) for trial in load(self.directory).trials]
    if importlib.util.find_spec("pandas") is None:
      return rows
    return importlib.import_module("pandas").DataFrame(rows)

  def report(self) -> str:
    """Writes the report of the search as a page of HTML and returns its path."""
    write_report(self.directory, load(self.directory).trials, self._space)
    return os.path.join(self.directory, REPORT_FILE)

  def train(
    self, *, epochs: int, validation_fraction: float = 0.0, verbose: int = 1, **overrides: Any
  ) -> "keras.Model":
    """Trains the best network from scratch and returns it as a model of Keras that takes raw images.

    The network is as large as those of the search, unless overrides say otherwise. Each training has a directory of its
    own in that of the search. If it is interrupted, the same call goes on from its last checkpoint, and after its end the
    same call returns the trained model at once.

    Args:
      epochs: passes over the images.
      validation_fraction: share of the images that is not trained on, to measure the network with after each epoch.
      verbose: 1 to show a progress bar, 0 to show nothing.
      **overrides: fields of `ImageNetworkConfig` and `TrainingConfig` with other values than in the search, such as
        `num_cells=6`, `filters=36`, `learning_rate=0.1`.

    Returns:
      A compiled model from images `[B, H, W, C]`, with the numbers that your images have, to probabilities
      `[B, classes]`.

    Raises:
      ValueError: if an override is unknown or out of range.
      nao_tf.training.base.Diverged: if the loss becomes NaN or infinite.
      nao_tf.runs.run_lock.RunDirectoryInUse: if another process runs the same training.
    """
    import tensorflow as tf

    from nao_tf.searches.final_training import train_in_directory, training_settings
    from nao_tf.serving.keras_models import load_model
    from nao_tf.training.training_directory import read_history

    configs = overridden(self._configs, {"epochs": epochs, **overrides})
    task, genotype = self._make_task(validation_fraction), self._space.decode(self.best.architecture)
    settings = {
      **self._settings,
      "validation_fraction": validation_fraction,
      **training_settings(genotype, configs, self._seed),
    }
    directory = os.path.join(self.directory, TRAININGS, _digest(settings))
    with RunLock(directory) as lock:
      trainer = train_in_directory(
        directory,
        task,
        genotype,
        configs,
        distribution=tf.distribute.get_strategy(),
        seed=self._seed,
        lock=lock,
        settings=settings,
        progress=verbose > 0,
      )
    self.history, self._trained = read_history(directory), (trainer.network, task)
    return load_model(directory)

  def export(self, path: str | os.PathLike[str]) -> str:
    """Writes the network of the last `train` as a SavedModel that needs nothing of this package; returns the path.

    Args:
      path: of the directory to write.

    Raises:
      RuntimeError: if `train` was not called.
      nao_tf.serving.saved_models.ExportError: if the directory holds something else than an export.
    """
    from nao_tf.serving import export_network

    if self._trained is None:
      raise RuntimeError("there is no trained network to export yet; call train(epochs=...) first")
    network, task = self._trained
    export_network(network, os.fspath(path), genotype=self._space.decode(self.best.architecture), task=task)
    return os.fspath(path)

  def __repr__(self) -> str:
    return f"Found({self.directory!r}, best: trial {self.best.id}, reward {self.best.reward:.4f})"

  def _repr_html_(self) -> str:
    """Returns the report, for notebooks."""
    with open(self.report(), encoding="utf-8") as file:
      return _FRAME.format(page=html.escape(file.read()))


def _row(trial: Trial, space: SearchSpace) -> dict[str, Any]:
  """Returns a trial as a row of a table."""
  evaluation = trial.evaluation
  return {
    "trial": trial.id,
    "origin": str(trial.origin),
    "reward": trial.reward,
    "seconds": None if evaluation is None else evaluation.cost_seconds,
    **({} if evaluation is None else evaluation.metrics),
    "architecture": space.format(trial.architecture),
  }


def _digest(settings: Mapping[str, Any]) -> str:
  """Returns a short name for settings."""
  return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]
