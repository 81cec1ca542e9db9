"""Multi-objective search: objectives, Pareto dominance, Pareto sets and hypervolumes."""

from nao_tf.objectives.objective import OBJECTIVES, Objective, objective_of
from nao_tf.objectives.objectives import (
  NotMeasured,
  Objectives,
  objectives_of,
  pareto_set_on_record,
  recorded_objectives,
)

__all__ = [
  "OBJECTIVES",
  "NotMeasured",
  "Objective",
  "Objectives",
  "objective_of",
  "objectives_of",
  "pareto_set_on_record",
  "recorded_objectives",
]
