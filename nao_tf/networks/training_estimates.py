"""Estimates the training time on an accelerator from the multiply-adds of the network. Does not import TensorFlow."""

import dataclasses
from collections.abc import Mapping
from typing import NamedTuple

from nao_tf.networks.descriptions import Description
from nao_tf.networks.image_costs import CLASSIFIER
from nao_tf.networks.language_costs import SOFTMAX

PEAK_FLOPS: Mapping[str, Mapping[str, float]] = {
  "V100": {"float32": 15.7e12, "float16": 125e12},
  "A100": {"TF32": 156e12, "bfloat16": 312e12, "float16": 312e12},
  "H100": {"TF32": 494.7e12, "bfloat16": 989.4e12, "float16": 989.4e12},
}
"""Operations per second of an accelerator at its best, by the type that it multiplies in; the first one is that of single
precision. From NVIDIA's data sheet of the V100 (SXM2) and its white papers on the A100 and the H100 (SXM5); products of
matrices on tensor cores, without sparsity.

On an A100 and an H100, TensorFlow multiplies float32 in TF32, unless
`tf.config.experimental.enable_tensor_float_32_execution(False)` is called: then their peaks are 19.5 and 66.9 TFLOPS. A
V100 has no units for bfloat16; it is assumed to multiply it in float32.
"""

FLOPS_PER_MULTIPLY_ADD = 2
PASSES = 3
"""The work of a training step in forward passes: one forward, and two for the gradients of inputs and of weights."""

_SINGLE_PRECISION = (CLASSIFIER, SOFTMAX)
"""Parts whose products are in float32, whatever the network computes in."""

_BYTES = 4
"""Of a value in float32."""


class Peak(NamedTuple):
  """The peak performance of an accelerator.

  Attributes:
    type: number type of its multiplications.
    flops: floating-point operations per second.
  """

  type: str
  flops: float


def peak_of(accelerator: str, mixed_precision: str = "none") -> Peak:
  """Returns the peak performance of an accelerator in a precision, or in float32 if it has no units for that precision.

  Args:
    accelerator: a key of `PEAK_FLOPS`.
    mixed_precision: the compute type; "none" for float32.

  Raises:
    ValueError: if the accelerator is unknown.
  """
  if accelerator not in PEAK_FLOPS:
    raise ValueError(f"expected one of {', '.join(PEAK_FLOPS)}, got {accelerator!r}")
  peaks = PEAK_FLOPS[accelerator]
  name = mixed_precision if mixed_precision in peaks else next(iter(peaks))
  return Peak(name, peaks[name])


@dataclasses.dataclass(frozen=True)
class TrainingEstimate:
  """The estimated costs of a training.

  Attributes:
    description: description of the network.
    examples: number of training examples per epoch: images, or tokens.
    epochs: number of epochs.
    steps_per_epoch: number of steps per epoch.
    num_replicas: number of devices.
    mixed_precision: compute type of the network; "none" for float32. Classifiers and softmaxes always use float32.
    num_slots: how many numbers the optimizer keeps of each weight.
  """

  description: Description
  examples: int
  epochs: int
  steps_per_epoch: int
  num_replicas: int = 1
  mixed_precision: str = "none"
  num_slots: int = 1

  @property
  def steps(self) -> int:
    """Total number of steps."""
    return self.steps_per_epoch * self.epochs

  @property
  def flops(self) -> float:
    """Total floating-point operations: three forward passes per example, including the auxiliary head."""
    return self._flops(self.description.multiply_adds_with_auxiliary)

  @property
  def weight_bytes(self) -> int:
    """Memory of weights, gradients and the state of the optimizer on each replica, in bytes."""
    return _BYTES * (2 + self.num_slots) * self.description.parameters_with_auxiliary

  def hours(self, accelerator: str, utilization: float) -> float:
    """Returns the estimated training time, in hours.

    Args:
      accelerator: a key of `PEAK_FLOPS`.
      utilization: fraction of the peak performance that the training reaches.

    Raises:
      ValueError: if the accelerator is unknown, or the utilization is not above 0.
    """
    network, logits = peak_of(accelerator, self.mixed_precision), peak_of(accelerator)
    if not utilization > 0:
      raise ValueError(f"the utilization must be above 0, got {utilization}")
    single = self._flops(self._single_precision_multiply_adds)
    seconds = (self.flops - single) / network.flops + single / logits.flops
    return seconds / (utilization * self.num_replicas) / 3600

  @property
  def _single_precision_multiply_adds(self) -> int:
    """Multiply-adds of an example, forward, that are always in float32."""
    return sum(part.multiply_adds for part in self.description.parts if part.name in _SINGLE_PRECISION)

  def _flops(self, multiply_adds: int) -> float:
    """Returns the floating-point operations of the whole training for multiply-adds of the forward pass of an example."""
    return FLOPS_PER_MULTIPLY_ADD * float(PASSES * self.examples * self.epochs) * multiply_adds


@dataclasses.dataclass(frozen=True)
class TrainingMemory:
  """The estimated memory of a training on each replica.

  Attributes:
    num_weights: number of weights of the network, including batch statistics.
    bytes_per_example: memory of the activations per example, in bytes.
    batch_size: number of examples per step on the replica.
    accumulate_steps: number of parts for gradient accumulation.
    num_averages: number of averages that are kept of each weight.
    example: what one example is, "image" or "stream".
    num_slots: how many numbers the optimizer keeps of each weight.
    is_flat: whether there is a second copy of the weights, as one vector.
    keeps_best: whether the best weights so far are kept.
  """

  num_weights: int
  bytes_per_example: float
  batch_size: int
  accumulate_steps: int = 1
  num_averages: int = 0
  example: str = "image"
  num_slots: int = 1
  is_flat: bool = True
  keeps_best: bool = False

  @property
  def weight_bytes(self) -> int:
    """Of the weights and of everything of their size; see `of_weights`."""
    return _BYTES * sum(self._copies.values()) * self.num_weights

  @property
  def of_weights(self) -> str:
    """What `weight_bytes` counts, in words."""
    *names, last = (f"{name} ({number} copies)" if number > 1 else name for name, number in self._copies.items())
    return f"{', '.join(names)} and {last}"

  @property
  def _copies(self) -> Mapping[str, int]:
    """Numbers for each weight, by what they are; only what there is."""
    counts = {
      "weights": 1 + self.is_flat,
      "gradients": 1,
      "sums of gradients": int(self.accumulate_steps > 1),
      "optimizer state": self.num_slots,
      "averages": self.num_averages,
      "best weights": int(self.keeps_best),
    }
    return {name: count for name, count in counts.items() if count}

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
