"""The configuration of sampling-based one-shot search. Does not import TensorFlow."""

import dataclasses
from collections.abc import Mapping

from nao_tf import fields

SAMPLERS = ("policy", "uniform")


@dataclasses.dataclass(frozen=True)
class SamplingConfig:
  """Settings of ENAS and of random search with weight sharing. The defaults are those of ENAS for image cells.

  Attributes:
    sampler: how the architecture of a training step is sampled: by a trained "policy" (ENAS), or "uniform" over the
      space (random search with weight sharing).
    distinct_inputs: whether the "uniform" sampler only samples image cells in which no node reads the same state twice.
    policy_steps: number of gradient steps of the policy after each epoch of weight training; must be 0 for a sampler
      without a policy.
    samples_per_step: number of architectures per gradient step of the policy.
    perplexity_scale: c of the reward c / perplexity for language models. Other tasks use their own reward, such as the
      accuracy.
    calibrates: whether evaluations on a validation minibatch use batch normalization statistics of training batches;
      otherwise those of the minibatch itself, as in the papers. Language models have no batch normalization.
    epoch_samples: number of architectures sampled after each epoch. The best one on a minibatch is recorded.
    final_samples: number of distinct architectures that are sampled at the end and scored on a minibatch.
    final_count: number of these, best first, that are scored on the whole validation set. The best of them wins.
    units: number of units of the policy's LSTM.
    learning_rate: learning rate of Adam for the policy.
    baseline_decay: decay of the moving average of rewards that serves as the baseline, in [0, 1).
    entropy_weight: weight of the policy's entropy in its objective, in units of the reward.
    initial_range: limit r of the uniform initialization of the policy in [-r, r].
    temperature: temperature by which the policy's logits are divided.
    tanh_constant: c in c * tanh(logit), which bounds the logits; 0 for no bound.
    operation_divisor: value that `tanh_constant` is divided by for decisions on operations.
    separable_bias: initial value of the trainable bias for separable convolutions.
    separable_preference: value added to the logits of separable convolutions in the normal cell, and subtracted from
      the others.
    distance_weight: weight of the squared distance of an input node, which is subtracted from its logit.
  """

  sampler: str = "policy"
  distinct_inputs: bool = False
  policy_steps: int = 30
  samples_per_step: int = 10
  perplexity_scale: float = 80.0
  calibrates: bool = False
  epoch_samples: int = 10
  final_samples: int = 10
  final_count: int = 1
  units: int = 100
  learning_rate: float = 0.0035
  baseline_decay: float = 0.99
  entropy_weight: float = 1e-4
  initial_range: float = 0.1
  temperature: float = 1.0
  tanh_constant: float = 1.1
  operation_divisor: float = 2.5
  separable_bias: float = 10.0
  separable_preference: float = 0.25
  distance_weight: float = 0.0

  def __post_init__(self) -> None:
    fields.check_config(self)
    if self.sampler not in SAMPLERS:
      raise ValueError(f"SamplingConfig: sampler must be one of {', '.join(SAMPLERS)}, got {self.sampler!r}")
    for name in ("samples_per_step", "epoch_samples", "final_samples", "final_count", "units"):
      self._check(getattr(self, name) >= 1, name, "at least 1")
    for name in ("policy_steps", "entropy_weight", "tanh_constant", "separable_bias", "distance_weight"):
      self._check(getattr(self, name) >= 0, name, "at least 0")
    for name in ("perplexity_scale", "learning_rate", "initial_range", "temperature", "operation_divisor"):
      self._check(getattr(self, name) > 0, name, "above 0")
    self._check(0 <= self.baseline_decay < 1, "baseline_decay", "in [0, 1)")
    self._check(self.final_count <= self.final_samples, "final_count", f"at most final_samples, {self.final_samples}")
    self._check(self.sampler == "policy" or not self.policy_steps, "policy_steps", "0 of a sampler that does not learn")
    self._check(self.sampler == "uniform" or not self.distinct_inputs, "distinct_inputs", "false of a policy")

  def _check(self, holds: bool, name: str, expected: str) -> None:
    if not holds:
      raise ValueError(f"SamplingConfig: {name} must be {expected}, got {getattr(self, name)}")


ENAS_PRESETS: Mapping[str, SamplingConfig] = {
  "default": SamplingConfig(),
  "recurrent": SamplingConfig(
    policy_steps=25,
    units=64,
    learning_rate=5e-5,
    baseline_decay=0.999,
    entropy_weight=1e-5,
    initial_range=0.01,
    temperature=5.0,
    tanh_constant=2.25,
    operation_divisor=1.0,
    separable_bias=0.0,
    separable_preference=0.0,
    distance_weight=1 / 6,
  ),
}
"""ENAS for image cells (Pham et al., ICML 2018), and for recurrent cells as in the authors' corrected release."""

RANDOM_PRESETS: Mapping[str, SamplingConfig] = {
  "default": SamplingConfig(sampler="uniform", policy_steps=0, final_samples=1000, final_count=10),
  "distinct": SamplingConfig(
    sampler="uniform", distinct_inputs=True, policy_steps=0, final_samples=1000, final_count=10
  ),
}
"""Random search with weight sharing (Li and Talwalkar, UAI 2019). In the cells of DARTS, no node reads a state twice."""
