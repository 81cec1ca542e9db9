"""How long the training steps take that a search is made of, on the machine that this runs on.

Everything is trained on noise of the size of the real data, so nothing has to be downloaded: a step costs the same.
"""

import statistics
import time
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from nao_tf.controller.config import make_config
from nao_tf.controller.controller import Controller
from nao_tf.controller.fitting import fit_controller
from nao_tf.controller.vocabulary import Vocabulary
from nao_tf.networks.image_network import ImageNetworkConfig
from nao_tf.networks.language_model import LanguageModelConfig
from nao_tf.spaces import make_space
from nao_tf.spaces.base import SearchSpace
from nao_tf.spaces.published import CELLS, RECURRENT_CELLS, PublishedCell, PublishedRecurrentCell
from nao_tf.supernets.config import SharingConfig
from nao_tf.tasks.base import Task
from nao_tf.tasks.image_classification import ImageClassification
from nao_tf.tasks.language_modeling import LanguageModeling
from nao_tf.training.config import TrainingConfig
from nao_tf.training.language_config import LanguageTrainingConfig

_WARM_UP = 4
_WORDS = 9_998  # Ten thousand tokens with <unk> and <eos>.
_IMAGE_CELL, _RECURRENT_CELL = CELLS["NAONet-WS"], RECURRENT_CELLS["NAO-RNN"]


class StepTime(NamedTuple):
  """What a training costs.

  Attributes:
    parameters: of the network, those on the path if weights are shared.
    first_seconds: until the first step is done: building, tracing, and the step.
    milliseconds: of the median of the steps that follow, some to warm up left out.
  """

  parameters: int
  first_seconds: float
  milliseconds: float


def controller_step(preset: str = "torch", *, num_steps: int = 40) -> StepTime:
  """Times the joint step of a controller of `nasnet5`.

  Args:
    preset: name of the controller's configuration.
    num_steps: how many steps to time.
  """
  start, space, rng = time.perf_counter(), make_space("nasnet5"), np.random.default_rng(0)
  vocabulary = Vocabulary.of(space)
  controller = Controller(vocabulary, make_config(preset))
  count = controller.settings.batch_size
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
  num_cells: int = 1, filters: int = 16, batch_size: int = 64, *, num_steps: int = 20, shared: bool = False
) -> StepTime:
  """Times a network of NAONet-WS's cells on images of CIFAR-10's size, without regularization.

  Args:
    num_cells: N.
    filters: F.
    batch_size: images in a step.
    num_steps: how many steps to time.
    shared: whether it is a path through a supernet instead of a network of its own.
  """
  task = ImageClassification("noise", _NoiseImages((_WARM_UP + num_steps) * batch_size), validation_fraction=0.0)
  network = ImageNetworkConfig(num_cells, filters, "torch", auxiliary=False, drop_path_keep=1.0, dropout_keep=1.0)
  recipe = TrainingConfig(epochs=1, batch_size=batch_size, crop_padding=0, flip=False)
  return _training_step(task, make_space(_IMAGE_CELL.space), _IMAGE_CELL, network, recipe, shared)


def language_step(
  units: int = 200, batch_size: int = 64, segment_length: int = 35, *, num_steps: int = 20, shared: bool = False
) -> StepTime:
  """Times a language model of the published recurrent cell and 10,000 tokens, without dropout.

  Args:
    units: of the embedding and the cell.
    batch_size: streams of text.
    segment_length: tokens of a stream in a step.
    num_steps: how many steps to time.
    shared: as for `image_step`.
  """
  task = LanguageModeling("noise", _NoiseText((_WARM_UP + num_steps) * batch_size * segment_length + batch_size))
  network = LanguageModelConfig(units).without_dropout()
  recipe = LanguageTrainingConfig(
    epochs=1, batch_size=batch_size, segment_length=segment_length, segment_deviation=0.0, short_segments=0.0
  )
  return _training_step(task, make_space("rnn12"), _RECURRENT_CELL, network, recipe, shared)


def _training_step(
  task: Task, space: SearchSpace, cell: PublishedCell | PublishedRecurrentCell, network, recipe, shared: bool
) -> StepTime:
  options: dict[str, Any] = {"distribution": tf.distribute.get_strategy(), "seed": 0}
  moments = [time.perf_counter()]
  if shared:
    trainer = task.make_shared_trainer(space, network, recipe, SharingConfig(), **options)
    trainer.start_round([cell.architecture], last_epoch=1)
    parameters = trainer.num_parameters(cell.architecture)
  else:
    trainer = task.make_trainer(cell.genotype, network, recipe, **options)
    parameters = task.num_parameters(trainer.network)
  for _ in trainer.fit(on_step=lambda: moments.append(time.perf_counter())):
    pass
  return _step_time(parameters, moments)


def _step_time(parameters: int, moments: list[float]) -> StepTime:
  times = np.diff(moments)
  return StepTime(parameters, float(times[0]), 1e3 * statistics.median(times[_WARM_UP:]))


class _NoiseImages:
  """Images of 32x32 pixels and ten classes that mean nothing."""

  image_shape = (32, 32, 3)
  labels = tuple("0123456789")

  def __init__(self, count: int):
    self._count = count
    self.num_bytes = count * int(np.prod(self.image_shape))

  def load(self, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns images `[N, 32, 32, 3]` uint8 and classes `[N]` int32."""
    del split
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (self._count, *self.image_shape), np.uint8)
    return images, rng.integers(0, len(self.labels), self._count, np.int32)


class _NoiseText:
  """Lines of words that mean nothing, each of the words at least once."""

  def __init__(self, num_tokens: int):
    self._num_tokens = num_tokens

  def lines(self, split: str) -> list[str]:
    """Returns the lines of a part of the text."""
    del split
    words = np.append(
      np.arange(_WORDS), np.random.default_rng(0).integers(0, _WORDS, max(0, self._num_tokens - _WORDS))
    )
    return [" ".join(map(str, words))]
