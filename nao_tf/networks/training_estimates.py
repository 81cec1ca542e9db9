"""How long a training takes on an accelerator, estimated from the multiply-adds of the network. Imports no TensorFlow."""

import dataclasses
from collections.abc import Mapping

from nao_tf.networks.descriptions import Description

PEAK_FLOPS: Mapping[str, float] = {"V100": 15.7e12, "A100": 19.5e12, "H100": 66.9e12}
"""Single-precision operations per second of an accelerator at its best, by the vendor's data sheets (SXM cards).
TensorFlow also uses TF32 on an A100 and an H100, which is faster, so that a utilization may exceed 1 there."""

FLOPS_PER_MULTIPLY_ADD = 2
PASSES = 3
"""The work of a training step in forward passes: one forward, and two for the gradients of inputs and of weights."""

_BYTES = 4
"""Of a value in single precision."""
_COPIES = 3
"""Of the weights in training: weights, gradients, momentum."""


@dataclasses.dataclass(frozen=True)
class TrainingEstimate:
  """What a training costs.

  Attributes:
    description: of the network.
    examples: training examples of an epoch: images, or tokens.
    epochs: passes over them.
    steps_per_epoch: steps of an epoch.
    num_replicas: devices that share the work.
  """

  description: Description
  examples: int
  epochs: int
  steps_per_epoch: int
  num_replicas: int = 1

  @property
  def steps(self) -> int:
    """Steps of the whole training."""
    return self.steps_per_epoch * self.epochs

  @property
  def flops(self) -> float:
    """Floating-point operations of the whole training: three forward passes for each example."""
    passes = float(PASSES * self.examples * self.epochs)
    return FLOPS_PER_MULTIPLY_ADD * passes * self.description.multiply_adds

  @property
  def weight_bytes(self) -> int:
    """Memory of weights, gradients and momentum on each replica, in bytes."""
    return _BYTES * _COPIES * self.description.parameters_with_auxiliary

  def hours(self, accelerator: str, utilization: float) -> float:
    """Returns how many hours the training takes.

    Args:
      accelerator: a key of `PEAK_FLOPS`.
      utilization: share of the peak that the training reaches.

    Raises:
      ValueError: if the accelerator is not known, or the utilization is not above 0.
    """
    if accelerator not in PEAK_FLOPS:
      raise ValueError(f"expected one of {', '.join(PEAK_FLOPS)}, got {accelerator!r}")
    if not utilization > 0:
      raise ValueError(f"the utilization must be above 0, got {utilization}")
    return self.flops / (PEAK_FLOPS[accelerator] * utilization * self.num_replicas) / 3600


@dataclasses.dataclass(frozen=True)
class TrainingMemory:
  """What a training needs of the memory of each replica, by estimate.

  Attributes:
    num_weights: weights of the network, batch statistics included.
    bytes_per_example: bytes of the activations of an example.
    batch_size: examples of a step on the replica.
    accumulate_steps: parts that a step divides them into.
    num_averages: averages of each weight that are kept.
    example: what one is, "image" or "stream".
    beside: what else of the size of the weights is kept, in words.
  """

  num_weights: int
  bytes_per_example: float
  batch_size: int
  accumulate_steps: int = 1
  num_averages: int = 0
  example: str = "image"
  beside: str = "momentum"

  @property
  def weight_bytes(self) -> int:
    """Of the weights, their gradients, and copies of them.

    In a network on images the optimizer sees the weights as one vector, and has their momenta. A language model keeps the
    averages of its weights, and the best weights.
    """
    sums = int(self.accumulate_steps > 1)
    return _BYTES * (_COPIES + 1 + sums + self.num_averages) * self.num_weights

  @property
  def examples_at_once(self) -> int:
    """Examples of a part of a step."""
    return self.batch_size // self.accumulate_steps

  @property
  def activation_bytes(self) -> float:
    """Of the activations of a part of a step."""
    return self.bytes_per_example * self.examples_at_once

  def largest_part(self, available: int) -> int:
    """Returns how many examples fit at once.

    Args:
      available: bytes of memory.
    """
    return max(0, int((available - self.weight_bytes) / self.bytes_per_example))
