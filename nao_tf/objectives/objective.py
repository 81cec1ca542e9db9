"""An objective of a search: a quantity of networks and its direction."""

import dataclasses
import difflib
import math
from collections.abc import Mapping
from typing import Any

from nao_tf.trial import Evaluation

REWARD = "reward"
LATENCY = "latency"
_DIRECTIONS: Mapping[str, bool] = {"max": True, "min": False}
"""Whether an objective is maximized, by the word for it."""


@dataclasses.dataclass(frozen=True)
class Objective:
  """A quantity of networks that a search optimizes.

  Attributes:
    name: name of the objective.
    is_maximized: whether higher is better.
    metrics: metric names under which an evaluation may report it; the first one present is used.
    unit: unit for display; empty for none.
  """

  name: str
  is_maximized: bool
  metrics: tuple[str, ...]
  unit: str = ""

  @property
  def sign(self) -> float:
    """The factor, 1 or -1, by which values are multiplied so that higher is better."""
    return 1.0 if self.is_maximized else -1.0

  def is_in(self, evaluation: Evaluation) -> bool:
    """Returns whether a successful evaluation has a value, which need not be a number."""
    is_stated = self.name == REWARD or self.name in evaluation.objectives
    return is_stated or any(name in evaluation.metrics for name in self.metrics)

  def value(self, evaluation: Evaluation) -> float | None:
    """Returns the value in an evaluation; None if it is missing or not finite."""
    if self.name in evaluation.objectives:
      return evaluation.objectives[self.name]
    if self.name == REWARD:
      return evaluation.reward
    found = next((evaluation.metrics[name] for name in self.metrics if name in evaluation.metrics), None)
    return None if found is None or not _is_number(found) else float(found)

  def __str__(self) -> str:
    return f"{self.name}:{'max' if self.is_maximized else 'min'}"


OBJECTIVES: Mapping[str, Objective] = {
  objective.name: objective
  for objective in (
    Objective("accuracy", True, ("accuracy",)),
    Objective("loss", False, ("loss",)),
    Objective("perplexity", False, ("perplexity",)),
    Objective(REWARD, True, ()),
    Objective("parameters", False, ("parameters", "params")),
    Objective("multiply_adds", False, ("multiply_adds", "macs")),
    Objective(LATENCY, False, (LATENCY,), "ms"),
  )
}
"""The objectives that have a name of their own. Any other metric of an evaluator is `name:max` or `name:min`."""


def objective_of(name: str) -> Objective:
  """Returns the objective with the given name.

  Args:
    name: a key of `OBJECTIVES`; or a metric of an evaluator and its direction, such as "f1:max" or "energy:min".

  Raises:
    ValueError: if there is no such objective; the message suggests similar names.
  """
  if name in OBJECTIVES:
    return OBJECTIVES[name]
  metric, colon, direction = name.partition(":")
  if not colon or not metric or direction not in _DIRECTIONS:
    raise ValueError(
      f"unknown objective {name!r}; expected one of {', '.join(OBJECTIVES)}, or a metric of your evaluator with its"
      f" direction, such as f1:max{_meant(metric)}"
    )
  known = OBJECTIVES.get(metric)
  if known is not None and known.is_maximized != _DIRECTIONS[direction]:
    raise ValueError(f"objective {name!r}: expected {known}")
  return known or Objective(metric, _DIRECTIONS[direction], (metric,))


def _meant(name: str) -> str:
  near = difflib.get_close_matches(name, OBJECTIVES)
  return f"; did you mean {' or '.join(near)}?" if near else ""


def _is_number(value: Any) -> bool:
  return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
