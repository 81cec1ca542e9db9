"""The configuration of gradient-based search. Does not import TensorFlow."""

import dataclasses
from collections.abc import Mapping

from nao_tf import fields

MIXTURES = ("softmax", "concrete", "one_hot")
COSTS = ("parameters", "multiply_adds")


@dataclasses.dataclass(frozen=True)
class RelaxedConfig:
  """Settings of a gradient-based search. The defaults are those of second-order DARTS on CIFAR-10.

  Attributes:
    mixture: how the operations of an edge are mixed: "softmax" of the architecture parameters (DARTS); a "concrete"
      (Gumbel-softmax) sample per step (SNAS); or "one_hot", a single sampled operation with the gradient of the
      concrete sample (GDAS).
    order: what the architecture parameters minimize: 2, the validation loss after one step of the weights; 1, the
      validation loss at the current weights; 0, the training loss, together with the weights (SNAS).
    parameter_learning_rate: learning rate of Adam for the architecture parameters.
    parameter_beta_1: beta_1 of Adam for the architecture parameters.
    parameter_beta_2: beta_2 of Adam for the architecture parameters.
    parameter_weight_decay: weight decay of the architecture parameters.
    initial_deviation: standard deviation of the initial architecture parameters.
    temperature: initial temperature of samples.
    final_temperature: temperature of samples in the last epoch; it changes linearly from epoch to epoch.
    cost: what the expected cost of the cells measures: "parameters" or "multiply_adds".
    cost_weight: weight of the cost in the loss of the architecture parameters: the sum over all edges and cells of the
      logarithm of the expected cost. 0 for none.
    max_identities: the search stops early when the normal cell has more identity (skip) connections than this, to which
      DARTS is known to collapse; 0 to never stop.
  """

  mixture: str = "softmax"
  order: int = 2
  parameter_learning_rate: float = 3e-4
  parameter_beta_1: float = 0.5
  parameter_beta_2: float = 0.999
  parameter_weight_decay: float = 1e-3
  initial_deviation: float = 1e-3
  temperature: float = 1.0
  final_temperature: float = 1.0
  cost: str = "parameters"
  cost_weight: float = 0.0
  max_identities: int = 0

  def __post_init__(self) -> None:
    fields.check_config(self)
    for name, known in (("mixture", MIXTURES), ("cost", COSTS), ("order", (0, 1, 2))):
      if getattr(self, name) not in known:
        raise ValueError(
          f"RelaxedConfig: {name} must be one of {', '.join(map(str, known))}, got {getattr(self, name)!r}"
        )
    for name in ("parameter_learning_rate", "temperature", "final_temperature"):
      if not getattr(self, name) > 0:
        raise ValueError(f"RelaxedConfig: {name} must be above 0, got {getattr(self, name)}")
    for name in ("parameter_weight_decay", "initial_deviation", "cost_weight", "max_identities"):
      if getattr(self, name) < 0:
        raise ValueError(f"RelaxedConfig: {name} must be at least 0, got {getattr(self, name)}")
    for name in ("parameter_beta_1", "parameter_beta_2"):
      if not 0 <= getattr(self, name) < 1:
        raise ValueError(f"RelaxedConfig: {name} must be in [0, 1), got {getattr(self, name)}")

  def temperature_in(self, epoch: int, epochs: int) -> float:
    """Returns the temperature of samples in an epoch, counted from 0."""
    progress = epoch / max(1, epochs - 1)
    return self.temperature + (self.final_temperature - self.temperature) * progress


PRESETS: Mapping[str, RelaxedConfig] = {
  "darts": RelaxedConfig(),
  "darts_first": RelaxedConfig(order=1),
  "snas": RelaxedConfig(
    mixture="concrete", order=0, initial_deviation=0.01, parameter_weight_decay=0.0, final_temperature=0.03
  ),
  "gdas": RelaxedConfig(mixture="one_hot", order=1, temperature=10.0, final_temperature=0.1),
}
"""DARTS of second and first order (Liu et al., ICLR 2019), SNAS (Xie et al., ICLR 2019) and GDAS (Dong and Yang, CVPR
2019)."""
