"""How the mixtures of a relaxed network are trained, as one frozen value without any framework."""

import dataclasses
from collections.abc import Mapping

from nao_tf import fields

MIXTURES = ("softmax", "concrete", "one_hot")
COSTS = ("parameters", "multiply_adds")


@dataclasses.dataclass(frozen=True)
class RelaxedConfig:
  """Settings of a search by gradients. The defaults are those of DARTS, second order, on CIFAR-10.

  Attributes:
    mixture: "softmax" of the strengths (DARTS); a "concrete" sample for each step (SNAS); or "one_hot", a sample of one
      operation, which alone passes a gradient on, that of the concrete sample (GDAS).
    order: 2: the strengths lower the validation loss after a step of the weights; 1: the present validation loss; 0: the
      training loss, together with the weights (SNAS).
    parameter_learning_rate: learning rate of Adam on the strengths.
    parameter_beta_1: of Adam.
    parameter_beta_2: of Adam.
    parameter_weight_decay: factor of the strengths in their gradient.
    initial_deviation: standard deviation of the strengths in the beginning.
    temperature: of samples, in the beginning.
    final_temperature: of samples, in the last epoch; between them it falls by the same amount in each epoch.
    cost: what the expected cost counts: "parameters" or "multiply_adds", in the cells.
    cost_weight: factor of the logarithms of the expected costs of all edges, added up over all cells, in the loss of the
      strengths; 0 for none.
    max_identities: the search stops early once the normal cell has more identities than this; 0 never stops. DARTS is
      known to collapse to identities.
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
