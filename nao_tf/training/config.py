"""How a network is trained on batches of examples, as a frozen dataclass.

Regularization within the network (drop-path, dropout, the auxiliary head) belongs to the configuration of the network.

The defaults are those of the proxy training of the paper, the short training that gives the children of a search their
rewards (Luo et al., NeurIPS 2018, section 4.1 and its released settings), except that the cosine schedule has the length
of the training.
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
  """How a network is trained on batches of examples.

  Attributes:
    epochs: passes over the training examples; 25 in the search of the paper, 600 in its final trainings.
    batch_size: examples in a step, over all replicas; a last batch that is not full is left out.
    accumulate_steps: equal parts that a step divides its batch into: their gradients are computed one after the other and
      added up, in the memory that one part needs. Only batch norm sees a part at a time. With shared weights, all parts have
      the same path. Relaxed networks have 1.
    optimizer: name of an optimizer of Keras, or of a registered one such as "Addons>LAMB".
    momentum: momentum, for optimizers that have it.
    nesterov: whether the momentum is Nesterov's, for optimizers that have it. The released proxy of the paper uses plain
      momentum, and its runs with shared weights use Nesterov's.
    mixed_precision: "bfloat16" or "float16": the network computes in this type, while its weights and everything that is
      added up stay in single precision; "none": all is in single precision. With float16 the loss is scaled. Supernets may
      have it, but for searches by gradients of order 2.
    rho: decay of the mean of squares, for optimizers that have it, such as RMSprop; None for the default of Keras.
    epsilon: what is added to a divisor, for optimizers that have it; None for the default of Keras.
    schedule: "cosine" (from `learning_rate` to `min_learning_rate`), "constant", or "exponential" (times
      `decay_rate` after every `decay_epochs` epochs).
    learning_rate: learning rate at the first step.
    min_learning_rate: learning rate at the end of a period of the cosine.
    cosine_period_epochs: length of the first period of the cosine; None for all epochs. The released proxy has 100 with 25
      epochs, so its rate hardly decays. If periods are shorter than the training, the schedule restarts (SGDR).
    cosine_period_growth: how many times as long as the one before it each further period is.
    warmup_epochs: epochs over which the learning rate grows linearly from 0 to what the schedule says, which goes on
      meanwhile.
    scale_learning_rate: the batch size that the learning rates are meant for: they are multiplied with `batch_size` over
      this (Goyal et al., arXiv:1706.02677); 0: they are taken as they are.
    average_weights: what is evaluated and exported: "none", the last weights; "ema", their exponential moving average
      over steps; or "swa", their mean over the ends of epochs.
    average_decay: the share of the average that a step leaves, with "ema".
    averaging_epoch: the first epoch that is averaged; 0: the first one with "ema", and with "swa" the first of the last
      quarter.
    decay_rate: factor of the exponential schedule.
    decay_epochs: epochs after which the exponential schedule applies it.
    weight_decay: factor of half the sum of squares of all trainable variables in the loss.
    clip_norm: bound on the norm of all gradients together, weight decay included; 0 for none.
    label_smoothing: share of the target that is spread evenly over all classes.
    crop_padding: zero pixels added around an image before it is cropped to its size again; None for the default of the
      task.
    flip: whether half of the images are mirrored; None for the default of the task.
    color_jitter: bound on the random change of brightness, contrast and saturation, as a share of each; 0 for none.
    hue_jitter: bound on the random turn of the hue, as a share of a full turn, at most 0.5; 0 for none.
    cutout_size: side of the square that is set to zero; 0 for none, 16 in the final trainings of the paper.
    cutout_convention: what is drawn uniformly from the image, the top-left "corner" of the square or its "center".
    evaluation_batch_size: examples in a step of an evaluation.
    evaluate_every: epochs between two evaluations on the validation set; the last epoch always has one.
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


def check_accumulation(batch_size: int, accumulate_steps: int, num_replicas: int) -> None:
  """Checks that the share of a batch that a replica gets can be divided into equal parts.

  Raises:
    ValueError: if it cannot.
  """
  if batch_size % (num_replicas * accumulate_steps):
    among = f" on each of {num_replicas} replicas" if num_replicas > 1 else ""
    raise ValueError(
      f"a batch_size of {batch_size} cannot be divided into accumulate_steps={accumulate_steps} equal parts{among}"
    )


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
