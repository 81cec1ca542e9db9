"""Options of a training run, which may differ from one start of a training to the next."""

import dataclasses

from nao_tf import fields
from nao_tf.training.config import check

JIT_COMPILE = ("auto", "on", "off")
CHECKPOINT_SECONDS = 120.0
"""Time between two checkpoints within an epoch, unless another one is given."""


@dataclasses.dataclass(frozen=True)
class RunOptions:
  """Options of a training run.

  Attributes:
    checkpoint_seconds: time between two checkpoints within an epoch, in seconds.
    checkpoint_steps: number of steps between two checkpoints within an epoch; 0 to use time only.
    nan_rate_factor: if the loss becomes NaN or infinite, the training returns to its last checkpoint, once, and
      continues with its learning rate multiplied by this; 0 to stop at once. A smaller factor when the training is
      resumed lets it return once more.
    jit_compile: whether to compile training steps with XLA: "on", "off", or "auto" for GPUs and TPUs, where possible.
  """

  checkpoint_seconds: float = CHECKPOINT_SECONDS
  checkpoint_steps: int = 0
  nan_rate_factor: float = 1.0
  jit_compile: str = "auto"

  def __post_init__(self) -> None:
    fields.check_config(self)
    for name in ("checkpoint_seconds", "checkpoint_steps"):
      check(self, name, getattr(self, name) >= 0, "at least 0")
    check(self, "jit_compile", self.jit_compile in JIT_COMPILE, f"one of {', '.join(JIT_COMPILE)}")
    check(self, "nan_rate_factor", 0 <= self.nan_rate_factor <= 1, "in [0, 1]")


def check_compiled(jit_compile: str, num_replicas: int) -> None:
  """Checks that steps can be compiled, if required.

  Args:
    jit_compile: "auto", "on" or "off".
    num_replicas: number of devices that share a batch.

  Raises:
    ValueError: if compilation is required with several replicas, which TensorFlow does not support.
  """
  if jit_compile == "on" and num_replicas > 1:
    raise ValueError(
      f"jit_compile=on needs one replica, got {num_replicas}: TensorFlow cannot compile a step of several"
    )
