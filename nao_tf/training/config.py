"""The configuration of training on batches of examples.

Regularization inside the network (drop-path, dropout, the auxiliary head) is part of the network configuration.

The defaults are those of the proxy training in the paper, that is, the short training that determines the reward of a
candidate (Luo et al., NeurIPS 2018, section 4.1 and its released settings), except that the cosine schedule spans the
whole training.
"""

import dataclasses
from collections.abc import Collection, Mapping
from typing import Any

from nao_tf import fields

SCHEDULES = ("cosine", "constant", "exponential")
MIXED_PRECISIONS = ("none", "bfloat16", "float16")
AVERAGES = ("none", "ema", "swa")
_AT_LEAST_0 = ("warmup_epochs", "scale_learning_rate", "averaging_epoch")
CUTOUT_CONVENTIONS = ("corner", "center")


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
  """How to train a network on batches of examples.

  Attributes:
    epochs: number of passes over the training examples; 25 in the search of the paper, 600 in its final trainings.
    batch_size: number of examples per step, over all replicas; an incomplete last batch is dropped.
    accumulate_steps: number of equal parts that each batch is split into for gradient accumulation, which needs only
      the memory of one part. Only batch normalization sees the parts separately. With shared weights, all parts use the
      same path. Must be 1 for relaxed networks.
    optimizer: name of a Keras optimizer, or of a registered one such as "Addons>LAMB".
    momentum: momentum, for optimizers that support it.
    nesterov: whether to use Nesterov momentum, for optimizers that support it. The released proxy training of the paper
      uses plain momentum; its runs with shared weights use Nesterov momentum.
    mixed_precision: "bfloat16" or "float16" to compute in that type, with variables and sums in float32; "none" for
      float32. float16 uses loss scaling. Supported for supernets, except by gradient-based searches of order 2.
    rho: decay rate of the moving average of squared gradients, for optimizers such as RMSprop; None for the Keras
      default.
    epsilon: small constant added to denominators, for optimizers that support it; None for the Keras default.
    schedule: learning rate schedule: "cosine" (from `learning_rate` to `min_learning_rate`), "constant", or
      "exponential" (multiplied by `decay_rate` every `decay_epochs` epochs).
    learning_rate: initial learning rate.
    min_learning_rate: learning rate at the end of a cosine period.
    cosine_period_epochs: length of the first cosine period, in epochs; None for the whole training. The released proxy
      training has 100 with 25 epochs, so its learning rate hardly decays. If periods are shorter than the training, the
      schedule restarts (SGDR).
    cosine_period_growth: factor by which each further cosine period is longer than the one before.
    warmup_epochs: number of epochs of linear warmup from 0 to the schedule, which runs on meanwhile.
    scale_learning_rate: batch size that the learning rates are given for; they are scaled by `batch_size` divided by
      this (Goyal et al., arXiv:1706.02677). 0: no scaling.
    average_weights: which weights to evaluate and export: "none", the last ones; "ema", their exponential moving
      average over steps; or "swa", their mean over the ends of epochs (stochastic weight averaging).
    average_decay: decay of the exponential moving average per step, for "ema".
    averaging_epoch: first epoch to average over, from 1. 0: the first epoch for "ema", the first of the last quarter
      for "swa".
    decay_rate: factor of the exponential schedule.
    decay_epochs: number of epochs between two decays of the exponential schedule.
    weight_decay: L2 regularization: coefficient of half the sum of squares of all trainable variables in the loss.
    clip_norm: maximum global norm of the gradients, including weight decay; 0 for no clipping.
    label_smoothing: fraction of the target probability that is spread evenly over all classes.
    crop_padding: number of zero pixels added on each side of an image before random cropping to its original size; None
      for the default of the task.
    flip: whether to flip images horizontally at random; None for the default of the task.
    color_jitter: maximum relative change of brightness, contrast and saturation; 0 for none.
    hue_jitter: maximum rotation of the hue, as a fraction of a full turn, at most 0.5; 0 for none.
    cutout_size: side length of the square that cutout sets to zero, in pixels; 0 for none, 16 in the final trainings of
      the paper.
    cutout_convention: which point of the cutout square is sampled uniformly from the image: its top-left "corner" or
      its "center".
    evaluation_batch_size: number of examples per evaluation step.
    evaluate_every: number of epochs between evaluations on the validation set; the last epoch is always evaluated.
  """

  epochs: int = 25
  batch_size: int = 128
  accumulate_steps: int = 1
  optimizer: str = "SGD"
  momentum: float = 0.9
  nesterov: bool = True
  mixed_precision: str = "none"
  rho: float | None = None
  epsilon: float | None = None
  schedule: str = "cosine"
  learning_rate: float = 0.024
  min_learning_rate: float = 0.0
  cosine_period_epochs: int | None = None
  cosine_period_growth: float = 1.0
  warmup_epochs: float = 0.0
  scale_learning_rate: int = 0
  average_weights: str = "none"
  average_decay: float = 0.999
  averaging_epoch: int = 0
  decay_rate: float = 0.97
  decay_epochs: int = 1
  weight_decay: float = 5e-4
  clip_norm: float = 5.0
  label_smoothing: float = 0.0
  crop_padding: int | None = None
  flip: bool | None = None
  color_jitter: float = 0.0
  hue_jitter: float = 0.0
  cutout_size: int = 0
  cutout_convention: str = "corner"
  evaluation_batch_size: int = 500
  evaluate_every: int = 1

  def __post_init__(self) -> None:
    fields.check_config(self)
    for name in ("epochs", "batch_size", "accumulate_steps", "evaluation_batch_size", "evaluate_every", "decay_epochs"):
      check(self, name, getattr(self, name) >= 1, "at least 1")
    for name in (*_AT_LEAST_0, "weight_decay", "clip_norm", "min_learning_rate", "cutout_size"):
      check(self, name, getattr(self, name) >= 0, "at least 0")
    check(self, "momentum", 0 <= self.momentum < 1, "in [0, 1)")
    check(self, "rho", self.rho is None or 0 <= self.rho < 1, "in [0, 1), or None")
    check(self, "epsilon", self.epsilon is None or self.epsilon > 0, "above 0, or None")
    check(self, "decay_rate", 0 < self.decay_rate <= 1, "in (0, 1]")
    check(self, "color_jitter", 0 <= self.color_jitter <= 1, "in [0, 1]")
    check(self, "hue_jitter", 0 <= self.hue_jitter <= 0.5, "in [0, 0.5]")
    check(self, "learning_rate", self.learning_rate > 0, "above 0")
    check(self, "label_smoothing", 0 <= self.label_smoothing < 1, "in [0, 1)")
    check(self, "cosine_period_growth", self.cosine_period_growth >= 1, "at least 1")
    for name, least in (("cosine_period_epochs", 1), ("crop_padding", 0)):
      value = getattr(self, name)
      check(self, name, value is None or value >= least, f"at least {least}, or None")
    check(self, "mixed_precision", self.mixed_precision in MIXED_PRECISIONS, f"one of {', '.join(MIXED_PRECISIONS)}")
    check(self, "average_weights", self.average_weights in AVERAGES, f"one of {', '.join(AVERAGES)}")
    check(self, "average_decay", 0 <= self.average_decay < 1, "in [0, 1)")
    check(self, "averaging_epoch", self.averaging_epoch <= self.epochs, "at most the number of epochs")
    check(self, "warmup_epochs", self.warmup_epochs <= self.epochs, "at most the number of epochs")
    check(self, "schedule", self.schedule in SCHEDULES, f"one of {', '.join(SCHEDULES)}")
    check(self, "cutout_convention", self.cutout_convention in CUTOUT_CONVENTIONS, " or ".join(CUTOUT_CONVENTIONS))
    check_accumulation(self.batch_size, self.accumulate_steps)

  @property
  def rate_scale(self) -> float:
    """What the learning rates are multiplied with, since they were meant for another batch size."""
    return self.batch_size / self.scale_learning_rate if self.scale_learning_rate else 1.0

  @property
  def first_averaged_epoch(self) -> int:
    """Number of the first epoch that is averaged, from 1."""
    return self.averaging_epoch or (self.epochs + 1 - max(1, self.epochs // 4) if self.average_weights == "swa" else 1)


def check(config: Any, name: str, holds: bool, expected: str) -> None:
  """Checks a field of a configuration.

  Args:
    config: the configuration.
    name: name of the field.
    holds: whether the value of the field is as it must be.
    expected: how the value must be, for the message.

  Raises:
    ValueError: if `holds` is False.
  """
  if not holds:
    raise ValueError(f"{type(config).__name__}: {name} must be {expected}, got {getattr(config, name)!r}")


def check_divisible(batch_size: int, num_replicas: int) -> None:
  """Checks that a batch can be divided among the replicas of a distribution.

  Raises:
    ValueError: if it cannot.
  """
  if batch_size % num_replicas:
    raise ValueError(
      f"a batch of {batch_size} cannot be divided among {num_replicas} replicas; batch_size must be a multiple of that"
    )


def check_accumulation(batch_size: int, accumulate_steps: int, num_replicas: int = 1) -> None:
  """Checks that the part of a batch that a replica gets can be divided into equal parts.

  Raises:
    ValueError: if it cannot.
  """
  if batch_size % (num_replicas * accumulate_steps):
    among = f" on each of {num_replicas} replicas" if num_replicas > 1 else ""
    raise ValueError(
      f"a batch_size of {batch_size} cannot be divided into accumulate_steps={accumulate_steps} equal parts{among}"
    )


ELEMENTWISE_OPTIMIZERS = (
  "Adadelta",
  "Adagrad",
  "Adam",
  "AdamW",
  "Adamax",
  "Ftrl",
  "Lion",
  "Nadam",
  "RMSprop",
  "SGD",
)
"""Names of the Keras optimizers that update each weight independently, however weights are grouped into variables."""


def is_elementwise(optimizer: str) -> bool:
  """Returns whether an optimizer updates each number by itself, however the numbers are grouped into variables."""
  return optimizer.lower() in map(str.lower, ELEMENTWISE_OPTIMIZERS)


_FULL_SIZE: Mapping[str, Any] = {"accumulate_steps": 1, "mixed_precision": "none", "average_weights": "none"}
"""What not every trainer can do, with the values that ask for nothing."""


def refuse_full_size(training_config: Any, what: str, *, allowed: Collection[str] = ()) -> None:
  """Checks that a configuration asks for nothing that only trainers of separate networks can do.

  Args:
    training_config: the configuration.
    what: what is to be trained with it, in the plural, for the message.
    allowed: names of settings that may differ.

  Raises:
    ValueError: if it does.
  """
  for name, plain in _FULL_SIZE.items():
    value = getattr(training_config, name, plain)
    if value != plain and name not in allowed:
      raise ValueError(f"{what} are trained with {name}={plain} only, got {value!r}")
