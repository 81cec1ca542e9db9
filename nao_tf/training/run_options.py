"""How a training is run, as a frozen dataclass: what may change from one start of it to the next."""

import dataclasses

from nao_tf import fields
from nao_tf.training.config import check

JIT_COMPILE = ("auto", "on", "off")
CHECKPOINT_SECONDS = 120.0
"""Time between two checkpoints within an epoch, unless another one is given."""


@dataclasses.dataclass(frozen=True)
class RunOptions:
  """How a training is run.

  Attributes:
    checkpoint_seconds: seconds between two checkpoints within an epoch.
    checkpoint_steps: steps between two checkpoints within an epoch; 0: by time alone.
    nan_rate_factor: if the loss becomes NaN or infinite, the training goes back to its last checkpoint, once, and on with
      its learning rate times this; 0: it ends at once.
    jit_compile: "on" or "off": whether training steps are compiled with XLA; "auto": on GPUs and TPUs, where it is possible.
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
  """Checks that steps can be compiled if they must be.

  Args:
    jit_compile: "auto", "on" or "off".
    num_replicas: how many devices share a batch.

  Raises:
    ValueError: if they must be compiled under several replicas, which TensorFlow does not do.
  """
  if jit_compile == "on" and num_replicas > 1:
    raise ValueError(f"jit_compile=on is for one replica, got {num_replicas}: TensorFlow compiles no step of several")
