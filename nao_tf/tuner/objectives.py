"""What a KerasTuner objective is made of."""

from keras_tuner import Objective


def directions(objective: Objective) -> dict[str, str]:
  """Returns "min" or "max" for each metric that an objective is made of, by the metric's name.

  Args:
    objective: a single one, or several that KerasTuner has joined to one.
  """
  return dict(getattr(objective, "name_to_direction", {objective.name: objective.direction}))


def in_words(objective_directions: dict[str, str]) -> str:
  """Returns what `directions` returned as text, such as "val_loss (min)"."""
  return " and ".join(f"{name} ({direction})" for name, direction in objective_directions.items())
