"""The parts of KerasTuner objectives."""

from keras_tuner import Objective


def directions(objective: Objective) -> dict[str, str]:
  """Returns "min" or "max" for each metric of an objective, by the name of the metric.

  Args:
    objective: a single objective, or KerasTuner's combination of several.
  """
  return dict(getattr(objective, "name_to_direction", {objective.name: objective.direction}))


def in_words(objective_directions: dict[str, str]) -> str:
  """Formats the result of `directions` as text, such as "val_loss (min)"."""
  return " and ".join(f"{name} ({direction})" for name, direction in objective_directions.items())
