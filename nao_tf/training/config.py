"""How a network is trained on batches of examples, as a frozen dataclass.

Regularization within the network (drop-path, dropout, the auxiliary head) belongs to the configuration of the network.

The defaults are those of the proxy training of the paper, the short training that gives the children of a search their
rewards (Luo et al., NeurIPS 2018, section 4.1 and its released settings), except that the cosine schedule has the length
of the training.
"""

import dataclasses
from typing import Any

from nao_tf import fields

SCHEDULES = ("cosine", "constant")
CUTOUT_CONVENTIONS = ("corner", "center")


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
  """How a network is trained on batches of examples.

  Attributes:
    epochs: passes over the training examples; 25 in the search of the paper, 600 in its final trainings.
    batch_size: examples in a step, over all replicas; a last batch that is not full is left out.
    optimizer: name of an optimizer of Keras, or of a registered one such as "Addons>LAMB".
    momentum: momentum, for optimizers that have it.
    nesterov: whether the momentum is Nesterov's, for optimizers that have it. The released proxy of the paper uses plain
      momentum, and its runs with shared weights use Nesterov's.
    schedule: "cosine" (from `learning_rate` to `min_learning_rate`) or "constant".
    learning_rate: learning rate at the first step.
    min_learning_rate: learning rate at the end of a period of the cosine.
    cosine_period_epochs: length of the first period of the cosine; None for all epochs. The released proxy has 100 with 25
      epochs, so its rate hardly decays. If periods are shorter than the training, the schedule restarts (SGDR).
    cosine_period_growth: how many times as long as the one before it each further period is.
    weight_decay: factor of half the sum of squares of all trainable variables in the loss.
    clip_norm: bound on the norm of all gradients together, weight decay included; 0 for none.
    label_smoothing: share of the target that is spread evenly over all classes.
    crop_padding: zero pixels added around an image before it is cropped to its size again; None for the default of the
      task.
    flip: whether half of the images are mirrored; None for the default of the task.
    cutout_size: side of the square that is set to zero; 0 for none, 16 in the final trainings of the paper.
    cutout_convention: what is drawn uniformly from the image, the top-left "corner" of the square or its "center".
    evaluation_batch_size: examples in a step of an evaluation.
    evaluate_every: epochs between two evaluations on the validation set; the last epoch always has one.
  """

  epochs: int = 25
  batch_size: int = 128
  optimizer: str = "SGD"
  momentum: float = 0.9
  nesterov: bool = True
  schedule: str = "cosine"
  learning_rate: float = 0.024
  min_learning_rate: float = 0.0
  cosine_period_epochs: int | None = None
  cosine_period_growth: float = 1.0
  weight_decay: float = 5e-4
  clip_norm: float = 5.0
  label_smoothing: float = 0.0
  crop_padding: int | None = None
  flip: bool | None = None
  cutout_size: int = 0
  cutout_convention: str = "corner"
  evaluation_batch_size: int = 500
  evaluate_every: int = 1

  def __post_init__(self) -> None:
    fields.check_config(self)
    for name in ("epochs", "batch_size", "evaluation_batch_size", "evaluate_every"):
      check(self, name, getattr(self, name) >= 1, "at least 1")
    for name in ("weight_decay", "clip_norm", "min_learning_rate", "cutout_size"):
      check(self, name, getattr(self, name) >= 0, "at least 0")
    check(self, "momentum", 0 <= self.momentum < 1, "in [0, 1)")
    check(self, "learning_rate", self.learning_rate > 0, "above 0")
    check(self, "label_smoothing", 0 <= self.label_smoothing < 1, "in [0, 1)")
    check(self, "cosine_period_growth", self.cosine_period_growth >= 1, "at least 1")
    for name, least in (("cosine_period_epochs", 1), ("crop_padding", 0)):
      value = getattr(self, name)
      check(self, name, value is None or value >= least, f"at least {least}, or None")
    check(self, "schedule", self.schedule in SCHEDULES, f"one of {', '.join(SCHEDULES)}")
    check(self, "cutout_convention", self.cutout_convention in CUTOUT_CONVENTIONS, " or ".join(CUTOUT_CONVENTIONS))


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
