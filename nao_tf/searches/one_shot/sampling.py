"""Searches that sample one path of a supernet per training step: ENAS, and random search with weight sharing.

Sources: Pham et al., ICML 2018, for language models the authors' corrected release; Li and Talwalkar, UAI 2019.
"""

import dataclasses

from nao_tf.networks.image_network_config import ImageNetworkConfig
from nao_tf.networks.language_model_config import LanguageModelConfig
from nao_tf.searches.one_shot.base import OneShotDefaults, OneShotSearch
from nao_tf.spaces.base import SearchSpace
from nao_tf.spaces.nasbench201 import Nasbench201Space
from nao_tf.spaces.nasnet import NasnetSpace
from nao_tf.spaces.recurrent import RecurrentSpace
from nao_tf.supernets.sampling.config import ENAS_PRESETS, RANDOM_PRESETS
from nao_tf.tasks.base import Configs
from nao_tf.tasks.traits import IMAGES, TEXT
from nao_tf.training.config import TrainingConfig
from nao_tf.training.language_config import LanguageTrainingConfig

PREFIX = "sampling"
TRAINER = "nao_tf.searches.one_shot.sampling_trainers:make_trainer"

_ENAS_CONVENTION, _DARTS_CONVENTION = "nao_ws", "darts"

_ENAS_IMAGES = Configs(
  ImageNetworkConfig(num_cells=2, filters=20, convention=_ENAS_CONVENTION, drop_path_keep=0.6, dropout_keep=0.9),
  TrainingConfig(
    epochs=150,
    batch_size=160,
    learning_rate=0.05,
    min_learning_rate=0.0005,
    cosine_period_epochs=10,
    cosine_period_growth=2,
    weight_decay=2e-4,
  ),
)
"""The source adds 1e-4 times the sum of squares, without the half."""

_ENAS_TEXT = Configs(
  LanguageModelConfig(units=200, embedding_dropout=0.1),
  LanguageTrainingConfig(epochs=600, batch_size=128, learning_rate=20.0, clip_norm=0.1, temporal_activation_weight=1.0),
)

_DARTS_IMAGES = Configs(
  ImageNetworkConfig(
    num_cells=2, filters=16, convention=_DARTS_CONVENTION, auxiliary=False, drop_path_keep=1.0, dropout_keep=1.0
  ),
  TrainingConfig(
    epochs=50, batch_size=64, nesterov=False, learning_rate=0.025, min_learning_rate=0.001, weight_decay=3e-4
  ),
)

_DARTS_TEXT = Configs(
  LanguageModelConfig(units=300),
  LanguageTrainingConfig(epochs=50, batch_size=256, learning_rate=20.0, clip_norm=0.25, weight_decay=5e-7),
)


def check_image_cells(space: SearchSpace) -> None:
  """Checks that a space is one of image cells.

  Raises:
    ValueError: if it is not.
  """
  if not isinstance(space, NasnetSpace | Nasbench201Space):
    raise ValueError(
      f"{space.name}: sampled paths of images need cells such as those of nasnet5 or darts, or those of nasbench201"
    )


def check_recurrent_cells(space: SearchSpace) -> None:
  """Checks that a space is one of recurrent cells.

  Raises:
    ValueError: if it is not.
  """
  if not isinstance(space, RecurrentSpace):
    raise ValueError(f"{space.name}: sampled paths of a text need recurrent cells such as those of rnn9 or rnn12")


def _children(convention: str) -> Configs:
  """Returns how image cells are trained from scratch, built with the convention of the network that holds them all."""
  return Configs(dataclasses.replace(IMAGES.child.network_config, convention=convention), IMAGES.child.training_config)


ENAS = OneShotSearch(
  ENAS_PRESETS["default"],
  PREFIX,
  TRAINER,
  {
    IMAGES.kind: OneShotDefaults("nasnet5", _ENAS_IMAGES, _children(_ENAS_CONVENTION), check_image_cells),
    TEXT.kind: OneShotDefaults(
      "rnn10", _ENAS_TEXT, TEXT.child, check_recurrent_cells, config=ENAS_PRESETS["recurrent"]
    ),
  },
  samples_paths=True,
)

RANDOM_WS = OneShotSearch(
  RANDOM_PRESETS["default"],
  PREFIX,
  TRAINER,
  {
    IMAGES.kind: OneShotDefaults(
      "darts",
      _DARTS_IMAGES,
      _children(_DARTS_CONVENTION),
      check_image_cells,
      validation_fraction=0.5,
      config=RANDOM_PRESETS["distinct"],
    ),
    TEXT.kind: OneShotDefaults("rnn9", _DARTS_TEXT, TEXT.child, check_recurrent_cells),
  },
  samples_paths=True,
)
