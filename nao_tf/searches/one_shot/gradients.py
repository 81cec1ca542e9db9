"""Gradient-based searches: first- and second-order DARTS, SNAS and GDAS, with the settings of their papers.

Sources: Liu et al., ICLR 2019; Xie et al., ICLR 2019; Dong and Yang, CVPR 2019.
"""

import dataclasses

from nao_tf.networks.image_network_config import ImageNetworkConfig
from nao_tf.networks.language_model_config import LanguageModelConfig
from nao_tf.searches.one_shot.base import OneShotDefaults, OneShotSearch
from nao_tf.spaces.base import SearchSpace
from nao_tf.spaces.nasbench201 import Nasbench201Space
from nao_tf.spaces.nasnet import NasnetSpace
from nao_tf.spaces.recurrent import RecurrentSpace
from nao_tf.supernets.relaxed.config import PRESETS
from nao_tf.tasks.base import Configs
from nao_tf.tasks.traits import IMAGES, TEXT
from nao_tf.training.config import TrainingConfig
from nao_tf.training.language_config import LanguageTrainingConfig

PREFIX = "relaxed"
TRAINER = "nao_tf.searches.one_shot.gradient_trainers:make_gradient_trainer"
DATA_CHECK = "nao_tf.searches.one_shot.gradient_trainers:check_data"
_CONVENTION = "darts"

_NETWORK = ImageNetworkConfig(
  num_cells=2, filters=16, convention=_CONVENTION, auxiliary=False, drop_path_keep=1.0, dropout_keep=1.0
)
_TRAINING = TrainingConfig(
  epochs=50,
  batch_size=64,
  nesterov=False,
  learning_rate=0.025,
  min_learning_rate=0.001,
  weight_decay=3e-4,
  clip_norm=5.0,
)
"""Liu et al., section 3.1 and the release."""


_LANGUAGE_MODEL = LanguageModelConfig(units=300)
_LANGUAGE_TRAINING = LanguageTrainingConfig(
  batch_size=256, weight_decay=5e-7, segment_deviation=0.0, averaging_patience=0
)
"""Liu et al., section 3.1 and the release: no weights are averaged in the search, and segments have 35 or 17 tokens."""


def check_recurrent_cells(space: SearchSpace) -> None:
  """Checks that a space is one of recurrent cells.

  Raises:
    ValueError: if it is not.
  """
  if not isinstance(space, RecurrentSpace):
    raise ValueError(f"{space.name}: a search by gradients on a text needs recurrent cells, such as those of rnn9")


def check_cells(space: SearchSpace) -> None:
  """Checks that a space is one of image cells whose output has all nodes, or that of NAS-Bench-201.

  Raises:
    ValueError: if it is not.
  """
  if not isinstance(space, Nasbench201Space) and not (isinstance(space, NasnetSpace) and space.concatenates_nodes):
    raise ValueError(
      f"{space.name}: a search by gradients needs cells whose output has all nodes, such as those of darts, or those of"
      " nasbench201"
    )


def _search(preset: str, epochs: int, space: str = "darts") -> OneShotSearch:
  children = dataclasses.replace(IMAGES.child.network_config, convention=_CONVENTION)
  images = OneShotDefaults(
    space,
    Configs(_NETWORK, dataclasses.replace(_TRAINING, epochs=epochs)),
    Configs(children, IMAGES.child.training_config),
    check_cells,
    validation_fraction=0.5,
  )
  text = OneShotDefaults(
    "rnn9",
    Configs(_LANGUAGE_MODEL, dataclasses.replace(_LANGUAGE_TRAINING, epochs=epochs)),
    TEXT.child,
    check_recurrent_cells,
    config=dataclasses.replace(PRESETS[preset], parameter_learning_rate=3e-3, parameter_beta_1=0.9),
  )
  defaults = {IMAGES.kind: images, TEXT.kind: text}
  return OneShotSearch(PRESETS[preset], PREFIX, TRAINER, defaults, data_check=DATA_CHECK)


DARTS = _search("darts", 50)
DARTS_FIRST = _search("darts_first", 50)
SNAS = _search("snas", 150, "snas")
GDAS = _search("gdas", 250)
