"""The values that flow through a search: architectures, their evaluations, and trials.

None of them knows a framework. An `Architecture` is a tuple of choices whose meaning only a search space knows.
"""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

Architecture = tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Evaluation:
  """What an evaluator found out about one architecture.

  Attributes:
    reward: the figure a search maximizes, finite; None if the evaluation failed.
    cost_seconds: wall time that the evaluation took.
    metrics: further figures by name; a failed evaluation has its `reason` here.
  """

  reward: float | None
  cost_seconds: float = 0.0
  metrics: Mapping[str, Any] = dataclasses.field(default_factory=dict)

  def __post_init__(self):
    if self.reward is not None and not math.isfinite(self.reward):
      raise ValueError(f"a reward must be finite, got {self.reward}; report a failure with Evaluation.failed(reason)")

  @classmethod
  def failed(cls, reason: str, cost_seconds: float = 0.0, **metrics: Any) -> "Evaluation":
    """Returns the evaluation of an architecture that has no reward, with the reason why."""
    return cls(None, cost_seconds, {"reason": reason, **metrics})

  @property
  def ok(self) -> bool:
    """Whether there is a reward."""
    return self.reward is not None

  def to_json(self) -> dict:
    """Returns a dict that `from_json` turns back into an equal evaluation."""
    return {"reward": self.reward, "cost_seconds": self.cost_seconds, "metrics": dict(self.metrics)}

  @classmethod
  def from_json(cls, data: Mapping) -> "Evaluation":
    """Builds an evaluation from what `to_json` returned."""
    return cls(data["reward"], data["cost_seconds"], data["metrics"])


@dataclasses.dataclass(frozen=True)
class Trial:
  """One architecture that a search asked for.

  Attributes:
    id: number of architectures asked before this one.
    architecture: the choices.
    origin: where it came from, in words ("random", "ascent from #12, step 10").
    evaluation: what came out; None as long as the trial is open.
  """

  id: int
  architecture: Architecture
  origin: str = ""
  evaluation: Evaluation | None = None

  def close(self, evaluation: Evaluation) -> "Trial":
    """Returns this trial with its evaluation."""
    return dataclasses.replace(self, evaluation=evaluation)

  @property
  def reward(self) -> float | None:
    """The evaluation's reward; None if the trial is open or failed."""
    return self.evaluation.reward if self.evaluation else None


def best_trial(trials) -> Trial | None:
  """Returns the trial with the highest reward, the earliest of equals; None if no trial has one."""
  scored = [trial for trial in trials if trial.reward is not None]
  return max(scored, key=lambda trial: (trial.reward, -trial.id), default=None)
