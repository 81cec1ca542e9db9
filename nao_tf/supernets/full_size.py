"""Which training options supernets support, checked before any data is read.

Supernets with shared weights support mixed precision and gradient accumulation, with the same path for all parts of a
step. Relaxed supernets support mixed precision; their architecture parameters and mixtures stay in float32. Weight
averaging, which applies to a single network, is supported by neither.
"""

from typing import Any

from nao_tf.supernets.relaxed.config import RelaxedConfig
from nao_tf.supernets.sampling.config import SamplingConfig
from nao_tf.training.base import BaseTrainingConfig
from nao_tf.training.config import (
  ELEMENTWISE_OPTIMIZERS,
  TrainingConfig,
  check_accumulation,
  is_elementwise,
  refuse_full_size,
)
from nao_tf.training.language_config import LanguageTrainingConfig

_SHARED = ("mixed_precision", "accumulate_steps")
_RELAXED = ("mixed_precision",)


def check_shared_training(training_config: BaseTrainingConfig, *, num_replicas: int = 1) -> None:
  """Checks that shared weights can be trained so.

  Args:
    training_config: how they are to be trained.
    num_replicas: number of replicas of the distribution.

  Raises:
    ValueError: if they cannot.
  """
  if not is_elementwise(training_config.optimizer):
    raise ValueError(
      f"shared weights need an optimizer that updates each weight independently, one of"
      f" {', '.join(ELEMENTWISE_OPTIMIZERS)}, got {training_config.optimizer}"
    )
  refuse_full_size(training_config, "shared weights", allowed=_SHARED)
  if isinstance(training_config, TrainingConfig | LanguageTrainingConfig):
    check_accumulation(training_config.batch_size, training_config.accumulate_steps, num_replicas)


def check_relaxed_training(training_config: BaseTrainingConfig, config: RelaxedConfig) -> None:
  """Checks that a relaxed network can be trained so.

  Args:
    training_config: how its weights are to be trained.
    config: how its strengths are to be trained.

  Raises:
    ValueError: if it cannot.
  """
  what = "relaxed networks" if isinstance(training_config, TrainingConfig) else "relaxed language models"
  refuse_full_size(training_config, what, allowed=_RELAXED)
  precision = getattr(training_config, "mixed_precision", "none")
  if config.order == 2 and precision != "none":
    raise ValueError(
      "a search of order 2 computes finite differences that half precision cannot resolve, so it needs"
      f" mixed_precision=none, got {precision!r}; a search of order 1, such as darts_first, supports mixed precision"
    )
  if config.order == 2:
    _check_followed_step(training_config)
  if config.cost_weight and isinstance(training_config, LanguageTrainingConfig):
    raise ValueError("cost_weight: all recurrent cells of a space cost the same, so it has no effect")


def _check_followed_step(training_config: BaseTrainingConfig) -> None:
  """Raises a ValueError if the step of the weights is another one than a search of order 2 follows."""
  has_nesterov = isinstance(training_config, TrainingConfig) and training_config.nesterov
  if training_config.optimizer.lower() != "sgd" or has_nesterov:
    plain = " without nesterov" if isinstance(training_config, TrainingConfig) else ""
    raise ValueError(
      f"a search of order 2 differentiates through the step of the weights, so it needs the optimizer SGD{plain}, got"
      f" {training_config.optimizer}{' with nesterov' if has_nesterov else ''}"
    )


def check_one_shot_training(training_config: BaseTrainingConfig, config: Any) -> None:
  """Checks that the network of a one-shot search can be trained so. A search from elsewhere knows by itself what it can.

  Args:
    training_config: how its weights are to be trained.
    config: the settings of the search.

  Raises:
    ValueError: if it cannot.
  """
  if isinstance(config, RelaxedConfig):
    check_relaxed_training(training_config, config)
  elif isinstance(config, SamplingConfig):
    check_shared_training(training_config)
