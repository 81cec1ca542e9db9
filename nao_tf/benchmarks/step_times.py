"""Measures training step times of a search on this machine.

Training data is random noise with the shape of the real data, which takes the same time, and nothing has to be
downloaded.
"""

import statistics
import time
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from nao_tf.controller.config import make_config
from nao_tf.controller.controller import Controller
from nao_tf.controller.fitting import fit_controller
from nao_tf.controller.vocabulary import Vocabulary
from nao_tf.networks.building import num_inference_parameters
from nao_tf.networks.image_network import ImageNetworkConfig
from nao_tf.networks.language_model import LanguageModelConfig
from nao_tf.spaces import make_space
from nao_tf.spaces.base import SearchSpace
from nao_tf.spaces.published import CELLS, RECURRENT_CELLS, STRINGS, PublishedCell, PublishedRecurrentCell
from nao_tf.supernets import make_supernet_trainer
from nao_tf.supernets.config import SharingConfig
from nao_tf.supernets.relaxed.config import RelaxedConfig
from nao_tf.supernets.relaxed.relaxed_trainer import RelaxedTrainer, make_relaxed_trainer
from nao_tf.tasks.base import Configs, Task
from nao_tf.tasks.image_classification import ImageClassification
from nao_tf.tasks.language_modeling import LanguageModeling
from nao_tf.tasks.trainers import make_trainer
from nao_tf.training.base import NetworkTrainer, Trainer
from nao_tf.training.config import TrainingConfig
from nao_tf.training.language_config import LanguageTrainingConfig

_WARM_UP = 4
_WORDS = 9_998  # 10,000 tokens together with <unk> and <eos>.
_IMAGE_CELL, _RECURRENT_CELL = STRINGS["NAONet-WS"], RECURRENT_CELLS["NAO-RNN"]


class StepTime(NamedTuple):
  """Size and times of a training.

  Attributes:
    parameters: number of parameters of the network; in a supernet, those on the path.
    first_seconds: time to build the network, trace the first step and run it.
    milliseconds: median time of the later steps, without the first few.
  """

  parameters: int
  first_seconds: float
  milliseconds: float


def controller_step(preset: str = "torch", *, num_steps: int = 40) -> StepTime:
  """Times the joint training step of a controller for the space `nasnet5`.

  Args:
    preset: name of the controller's configuration.
    num_steps: number of steps to time.
  """
  start, space, rng = time.perf_counter(), make_space("nasnet5"), np.random.default_rng(0)
  vocabulary = Vocabulary.of(space)
  controller = Controller(vocabulary, make_config(preset))
  count = controller.config.batch_size
  tokens = vocabulary.encode([space.sample(rng) for _ in range(count)])
  moments = [start]
  fit_controller(
    controller,
    tokens,
    rng.random(count),
    num_steps=_WARM_UP + num_steps,
    chunk_size=1,
    progress=lambda step, loss: moments.append(time.perf_counter()),
  )
  return _step_time(controller.count_params(), moments)


def image_step(
  num_cells: int = 1,
  filters: int = 16,
  batch_size: int = 64,
  *,
  num_steps: int = 20,
  shared: bool = False,
  accumulate_steps: int = 1,
  mixed_precision: str = "none",
) -> StepTime:
  """Times a network of the cells of NAONet-WS on images of the size of CIFAR-10, without regularization.

  Args:
    num_cells: number N of normal cells in each of the three stages.
    filters: number F of filters.
    batch_size: images in a step.
    num_steps: number of steps to time.
    shared: whether the network is a path through a supernet.
    accumulate_steps: parts that a step divides its images into.
    mixed_precision: the type that the network computes in.
  """
  task = ImageClassification("noise", _NoiseImages((_WARM_UP + num_steps) * batch_size), validation_fraction=0.0)
  configs = Configs(
    ImageNetworkConfig(num_cells, filters, "torch", auxiliary=False, drop_path_keep=1.0, dropout_keep=1.0),
    TrainingConfig(
      epochs=1,
      batch_size=batch_size,
      accumulate_steps=accumulate_steps,
      mixed_precision=mixed_precision,
      crop_padding=0,
      flip=False,
    ),
  )
  return _training_step(task, make_space(_IMAGE_CELL.space), _IMAGE_CELL, configs, shared)


def relaxed_image_step(
  num_cells: int = 1, filters: int = 16, batch_size: int = 64, *, num_steps: int = 20, order: int = 1
) -> StepTime:
  """Times the relaxed network of the space of DARTS on images of the size of CIFAR-10, with a step of its strengths.

  Args:
    num_cells: number N of normal cells in each of the three stages.
    filters: number F of filters.
    batch_size: images in a step, of the weights and of the strengths.
    num_steps: number of steps to time.
    order: 1 or 2; 0 for the network of one architecture, the cells of DARTS-V2, without strengths.
  """
  count = (_WARM_UP + num_steps) * batch_size
  task = ImageClassification("noise", _NoiseImages(2 * count), validation_fraction=0.5)
  both = (
    ImageNetworkConfig(num_cells, filters, "darts", auxiliary=False, drop_path_keep=1.0, dropout_keep=1.0),
    TrainingConfig(epochs=1, batch_size=batch_size, nesterov=False, crop_padding=0, flip=False),
  )
  moments, distribution = [time.perf_counter()], tf.distribute.get_strategy()
  trainer: NetworkTrainer | RelaxedTrainer
  if order:
    config = RelaxedConfig(order=order)
    trainer = make_relaxed_trainer(task, make_space("darts"), *both, config, distribution=distribution, seed=0)
  else:
    trainer = make_trainer(task, CELLS["DARTS-V2"].genotype, *both, distribution=distribution, seed=0)
  return _timed(trainer, num_inference_parameters(trainer.network), moments)


def language_step(
  units: int = 200, batch_size: int = 64, segment_length: int = 35, *, num_steps: int = 20, shared: bool = False
) -> StepTime:
  """Times a language model of the published recurrent cell with 10,000 tokens, without dropout.

  Args:
    units: size of the embedding and of the cell.
    batch_size: number of streams of text.
    segment_length: tokens of each stream in a step.
    num_steps: number of steps to time.
    shared: whether the network is a path through a supernet.
  """
  task = LanguageModeling("noise", _NoiseText((_WARM_UP + num_steps) * batch_size * segment_length + batch_size))
  training_config = LanguageTrainingConfig(
    epochs=1, batch_size=batch_size, segment_length=segment_length, segment_deviation=0.0, short_segments=0.0
  )
  configs = Configs(LanguageModelConfig(units).without_dropout(), training_config)
  return _training_step(task, make_space("rnn12"), _RECURRENT_CELL, configs, shared)


def _training_step(
  task: Task, space: SearchSpace, cell: PublishedCell | PublishedRecurrentCell, configs: Configs, shared: bool
) -> StepTime:
  moments = [time.perf_counter()]
  make = _make_supernet_trainer if shared else _make_network_trainer
  return _timed(*make(task, space, cell, configs), moments)


def _timed(trainer: Trainer, parameters: int, moments: list[float]) -> StepTime:
  """Trains an epoch and returns its times.

  Args:
    trainer: fresh.
    parameters: parameters of the network.
    moments: when it was begun to make the trainer.
  """
  for _ in trainer.fit(on_step=lambda: moments.append(time.perf_counter())):
    pass
  return _step_time(parameters, moments)


def _make_network_trainer(
  task: Task, space: SearchSpace, cell: PublishedCell | PublishedRecurrentCell, configs: Configs
) -> tuple[Trainer, int]:
  """Returns the trainer of the network of a cell, and the number of its parameters."""
  del space
  distribution = tf.distribute.get_strategy()
  trainer = make_trainer(
    task, cell.genotype, configs.network_config, configs.training_config, distribution=distribution, seed=0
  )
  return trainer, num_inference_parameters(trainer.network)


def _make_supernet_trainer(
  task: Task, space: SearchSpace, cell: PublishedCell | PublishedRecurrentCell, configs: Configs
) -> tuple[Trainer, int]:
  """Returns the trainer of a supernet that trains only the path of a cell, and the number of parameters on the path."""
  trainer = make_supernet_trainer(
    task,
    space,
    configs.network_config,
    configs.training_config,
    SharingConfig(),
    distribution=tf.distribute.get_strategy(),
    seed=0,
  )
  trainer.start_round([cell.architecture], last_epoch=1)
  return trainer, trainer.num_parameters(cell.architecture)


def _step_time(parameters: int, moments: list[float]) -> StepTime:
  times = np.diff(moments)
  return StepTime(parameters, float(times[0]), 1e3 * statistics.median(times[_WARM_UP:]))


class _NoiseImages:
  """Random images of 32x32 pixels with random labels of ten classes."""

  image_shape = (32, 32, 3)
  labels = tuple("0123456789")

  def __init__(self, count: int):
    self._count = count
    self.num_bytes = count * int(np.prod(self.image_shape))

  def load(self, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns images, uint8 [N, 32, 32, 3], and classes, int32 [N]."""
    del split
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (self._count, *self.image_shape), np.uint8)
    return images, rng.integers(0, len(self.labels), self._count, np.int32)


class _NoiseText:
  """Random words. Each word occurs at least once."""

  def __init__(self, num_tokens: int):
    self._num_tokens = num_tokens

  def lines(self, split: str) -> list[str]:
    """Returns the lines of a part of the text."""
    del split
    num_random = max(0, self._num_tokens - _WORDS)
    words = np.append(np.arange(_WORDS), np.random.default_rng(0).integers(0, _WORDS, num_random))
    return [" ".join(map(str, words))]
