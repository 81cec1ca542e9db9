"""Settings of the strategy `reinforce` and its published presets. Does not import TensorFlow.

Sources: Zoph and Le, ICLR 2017 (NAS-RL); Zoph et al., CVPR 2018 (NASNet); Dong et al., "NATS-Bench", TPAMI 2021 (the
table).
"""

import dataclasses
from collections.abc import Mapping
from typing import ClassVar

from nao_tf import fields


@dataclasses.dataclass(frozen=True)
class ReinforceConfig:
  """Settings of the policy and its training.

  Attributes:
    policy: "table", an independent softmax for each decision, or "lstm", a recurrent network conditioned on earlier
      decisions.
    num_layers: number of layers of the LSTM.
    units: number of units in each layer of the LSTM, and size of its embeddings.
    learning_rate: learning rate of Adam.
    baseline_decay: decay of the moving average of rewards that serves as the baseline, in [0, 1).
    entropy_weight: weight of the policy's entropy in the objective, in units of the reward.
    clip_ratio: clip ratio of PPO, that is, how far one batch may change a probability, such as 0.2; 0 for REINFORCE.
    num_updates: number of gradient steps per batch. More than one requires a `clip_ratio`.
    reward_power: exponent of the rewards that the policy learns from; 3 for NAS-RL. Negative rewards keep their sign.
  """

  policy: str = "table"
  num_layers: int = 1
  units: int = 100
  learning_rate: float = 0.01
  baseline_decay: float = 0.9
  entropy_weight: float = 0.0
  clip_ratio: float = 0.0
  num_updates: int = 1
  reward_power: float = 1.0

  def __post_init__(self) -> None:
    fields.check_config(self)
    if self.policy not in ("table", "lstm"):
      raise ValueError(f"policy must be table or lstm, got {self.policy!r}")
    for name in ("num_layers", "units", "num_updates"):
      if getattr(self, name) < 1:
        raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
    for name in ("learning_rate", "reward_power"):
      if not getattr(self, name) > 0:
        raise ValueError(f"{name} must be above 0, got {getattr(self, name)}")
    if not 0 <= self.baseline_decay < 1:
      raise ValueError(f"baseline_decay must be in [0, 1), got {self.baseline_decay}")
    for name in ("entropy_weight", "clip_ratio"):
      if getattr(self, name) < 0:
        raise ValueError(f"{name} must not be negative, got {getattr(self, name)}")
    if self.num_updates > 1 and not self.clip_ratio:
      raise ValueError(f"num_updates must be 1 without a clip_ratio, got {self.num_updates}")


PRESETS = {
  "default": ReinforceConfig(),
  "nas_rl": ReinforceConfig(
    policy="lstm", num_layers=2, units=35, learning_rate=6e-4, baseline_decay=0.95, reward_power=3.0
  ),
  "nasnet": ReinforceConfig(
    policy="lstm",
    learning_rate=3.5e-4,
    baseline_decay=0.95,
    entropy_weight=1e-5,
    clip_ratio=0.2,
    num_updates=4,
  ),
}
"""The table policy of NATS-Bench, and the controllers of the papers as far as our sources describe them.

The `baseline_decay` of `nas_rl`, and the `clip_ratio` and `num_updates` of `nasnet`, are not in these sources.
"""


class ReinforceSettings:
  """Declares the settings of the strategy, as `nao_tf.strategies.base.Strategy` has them."""

  config_class: ClassVar[type[ReinforceConfig]] = ReinforceConfig
  presets: ClassVar[Mapping[str, ReinforceConfig]] = PRESETS
