"""Zero-cost proxies of image networks at initialization: informants of NAO's Gaussian process.

They are computed for a small version of the network, with one cell per stage and few filters, on small images. Building
a network takes a considerable part of a second, so the process only asks about its most promising candidates, and
results are cached. Each search determines whether a proxy predicts rewards; see `nao_tf.controller.informed_process`.
"""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nao_tf.networks.buildable import is_buildable
from nao_tf.networks.image_network_config import ImageNetworkConfig
from nao_tf.spaces.base import SearchSpace
from nao_tf.trial import Architecture

if TYPE_CHECKING:
  import tensorflow as tf

  from nao_tf.tasks.base import Task

UNTRAINED = {"synflow": "SynFlow", "naswot": "NASWOT"}
"""Names of the proxies, with those that people know them by."""
_FILTERS = 8
_SIDE = 32
"""Height and width of images, at most; twice that for a stem that divides them by eight."""
_BATCH = 32
_CACHED = 100_000

Score = Callable[[Architecture], float]
"""Returns the figure of an architecture."""


class UntrainedProxy:
  """An informant: a zero-cost proxy of the networks of architectures.

  Attributes:
    name: display name of the proxy.
    is_slow: True, since each value requires building a network.
  """

  is_slow = True

  def __init__(self, name: str, score: Score):
    """Initializes the proxy.

    Args:
      name: a key of `UNTRAINED`.
      score: returns the figure of an architecture.
    """
    self.name = UNTRAINED[name]
    self._score = functools.lru_cache(_CACHED)(score)

  def __call__(self, architectures: Sequence[Architecture]) -> np.ndarray:
    """Returns the figure of each architecture, [N]."""
    return np.array([self._score(tuple(architecture)) for architecture in architectures], float)


def untrained_proxies(
  names: Sequence[str], space: SearchSpace, network_config: Any, make_task: "Callable[[], Task]", *, seed: int
) -> list[UntrainedProxy]:
  """Returns zero-cost proxies as informants, which cache their values.

  Args:
    names: keys of `UNTRAINED`.
    space: the search space.
    network_config: configuration of the networks.
    make_task: function that returns the task, whose training images are read.
    seed: random seed of the weights and of the selection of images.

  Raises:
    ValueError: if the networks are not image networks.
  """
  if names:
    check_space(names, space, network_config)
  networks = _Networks(space, network_config, make_task, seed)
  return [UntrainedProxy(name, getattr(networks, name)) for name in names]


def check_space(names: Sequence[str], space: SearchSpace, network_config: Any) -> None:
  """Checks that zero-cost proxies are available for the networks of a space.

  Raises:
    ValueError: if they are not.
  """
  if not isinstance(network_config, ImageNetworkConfig) or not is_buildable(space, network_config):
    raise ValueError(
      f"proxies: {names[0]} is for networks that read images, and those of the space {space.name} do not"
    )


class _Networks:
  """Builds small networks and looks at them."""

  def __init__(self, space: SearchSpace, network_config: Any, make_task: "Callable[[], Task]", seed: int):
    self._space, self._config, self._make_task, self._seed = space, network_config, make_task, seed

  def synflow(self, architecture: Architecture) -> float:
    """Returns the logarithm of the SynFlow of an architecture."""
    from nao_tf.networks.precision import double_precision
    from nao_tf.networks.untrained_scores import synflow

    with double_precision():
      return synflow(self._network(architecture), self._image_shape)

  def naswot(self, architecture: Architecture) -> float:
    """Returns the NASWOT of an architecture."""
    from nao_tf.networks.untrained_scores import naswot

    return naswot(self._network(architecture), self._images)

  def _network(self, architecture: Architecture) -> Any:
    from nao_tf.networks.building import build_network

    genotype, outputs = self._space.decode(architecture), self._task.num_outputs
    return build_network(
      genotype, _smaller(self._config), input_shape=self._image_shape, num_outputs=outputs, seed=self._seed
    )

  @functools.cached_property
  def _task(self) -> "Task":
    return self._make_task()

  @property
  def _image_shape(self) -> tuple[int, int, int]:
    height, width, channels = self._task.input_shape
    side = _SIDE if self._config.stem == "cifar" else 2 * _SIDE
    return min(height, side), min(width, side), channels

  @functools.cached_property
  def _images(self) -> "tf.Tensor":
    """A batch of training images, drawn and augmented as those of a training are."""
    import tensorflow as tf

    from nao_tf.training.config import TrainingConfig

    task: Any = self._task
    config = TrainingConfig(epochs=1, batch_size=min(_BATCH, task.num_examples("train")))
    images, *_ = next(iter(task.training_batches(config, seed=self._seed)))
    height, width, _ = self._image_shape
    return images if images.shape[1:3] == (height, width) else tf.image.resize(images, (height, width))


def _smaller(config: ImageNetworkConfig) -> ImageNetworkConfig:
  """Returns a small version of a configuration that draws nothing at random."""
  return dataclasses.replace(
    config,
    num_cells=1,
    filters=min(config.filters, _FILTERS),
    auxiliary=False,
    drop_path_keep=1.0,
    dropout_keep=1.0,
    synchronized_norm=False,
  )
