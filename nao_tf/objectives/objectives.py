"""The objectives of a multi-objective search: their values, the ranking of trials, and the Pareto set."""

import dataclasses
import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from nao_tf import fields
from nao_tf.objectives.dominance import crowded_order, first_front
from nao_tf.objectives.objective import Objective, objective_of
from nao_tf.trial import Architecture, Evaluation, Trial

SETTING = "objectives"
"""The setting of a search that names its objectives. A search for the reward alone has none."""

Known = Callable[[Architecture], float | None]
"""Returns an objective of an architecture that is known before its network is trained; None for an unknown one."""


class NotMeasured(ValueError):
  """Raised when an evaluator does not measure an objective of the search."""


class Objectives:
  """Two or more objectives, some of which may be known before training.

  Attributes:
    members: the objectives, in the order in which they are shown.
    known: functions that compute an objective of an architecture before training, by the name of the objective.
  """

  def __init__(self, members: Sequence[Objective], known: Mapping[str, Known] | None = None):
    """Initializes the objectives.

    Args:
      members: two or more objectives with different names.
      known: see the attributes; may include other objectives. None if nothing is known before training.

    Raises:
      ValueError: if there are fewer than two objectives, or two with the same name.
    """
    self.members = tuple(members)
    if len(self.members) < 2 or len(set(self.names)) < len(self.members):
      raise ValueError(
        f"expected two or more different objectives, got {', '.join(self.names) or 'none'}; a search for the reward alone"
        " needs none"
      )
    self.known = {name: function for name, function in (known or {}).items() if name in self.names}

  @property
  def names(self) -> tuple[str, ...]:
    """The names of the objectives."""
    return tuple(objective.name for objective in self.members)

  @property
  def signs(self) -> np.ndarray:
    """The factors, [M], by which values are multiplied so that higher is better."""
    return np.array([objective.sign for objective in self.members])

  def complete(self, trial: Trial) -> Trial:
    """Returns a closed trial with the values of its objectives filled in; it fails if a value is missing."""
    evaluation = trial.evaluation
    if evaluation is None or evaluation.reward is None or all(name in evaluation.objectives for name in self.names):
      return trial
    values = {objective.name: self._value(objective, trial.architecture, evaluation) for objective in self.members}
    missing = [name for name, value in values.items() if value is None]
    if missing:
      reason = f"there is no finite {missing[0]}; the evaluation has {', '.join(evaluation.metrics) or 'no metrics'}"
      return trial.close(Evaluation(None, evaluation.cost_seconds, {**evaluation.metrics, "reason": reason}))
    whole = {name: value for name, value in values.items() if value is not None}
    return trial.close(dataclasses.replace(evaluation, objectives=whole))

  def check_measured(self, evaluation: Evaluation) -> None:
    """Checks that a successful evaluation has each objective that is not known before training, whatever its value.

    Raises:
      NotMeasured: if it has not; the message says what it has.
    """
    missing = [one.name for one in self.members if one.name not in self.known and not one.is_in(evaluation)]
    if missing:
      near = difflib.get_close_matches(missing[0], evaluation.metrics)
      meant = f"; did you mean {near[0]}?" if near else ""
      raise NotMeasured(
        f"{SETTING}: the evaluator has no metric {missing[0]}; it has {', '.join(evaluation.metrics) or 'none'}{meant}; this"
        " search goes on once the evaluator returns it; search for other objectives in another directory"
      )

  def points(self, trials: Iterable[Trial]) -> np.ndarray:
    """Returns the objectives of successful trials, [N, M], with signs such that higher is better."""
    rows = [[trial.evaluation.objectives[name] for name in self.names] for trial in trials if trial.evaluation]
    return np.array(rows, float).reshape(-1, len(self.members)) * self.signs

  def ranked(self, trials: Iterable[Trial]) -> list[Trial]:
    """Returns the successful trials, best first, in the order of NSGA-II: by front and crowding distance."""
    whole = [trial for trial in trials if trial.reward is not None]
    return [whole[index] for index in crowded_order(self.points(whole))]

  def pareto_set(self, trials: Iterable[Trial]) -> list[Trial]:
    """Returns the non-dominated successful trials, sorted by the first objective, best first.

    Of trials with the same values, only the earliest is included.
    """
    whole = sorted((trial for trial in trials if trial.reward is not None), key=lambda trial: trial.id)
    points = self.points(whole)
    front = sorted(first_front(points), key=lambda index: tuple(-points[index]))
    return [whole[index] for index in front]

  def known_points(self, architectures: Sequence[Architecture]) -> np.ndarray:
    """Returns the known objectives of architectures, [N, M], with signs such that higher is better; NaN for the others.

    A known objective that cannot be computed for an architecture is minus infinity.
    """
    points = np.full((len(architectures), len(self.members)), np.nan)
    for column, objective in enumerate(self.members):
      if objective.name in self.known:
        points[:, column] = [self._known_point(objective, architecture) for architecture in architectures]
    return points

  def _known_point(self, objective: Objective, architecture: Architecture) -> float:
    value = self.known[objective.name](architecture)
    return -np.inf if value is None else objective.sign * value

  def _value(self, objective: Objective, architecture: Architecture, evaluation: Evaluation) -> float | None:
    value = objective.value(evaluation)
    return self.known[objective.name](architecture) if value is None and objective.name in self.known else value

  def __str__(self) -> str:
    return ", ".join(map(str, self.members))


def objectives_of(names: Sequence[str], known: Mapping[str, Known] | None = None) -> Objectives | None:
  """Returns the objectives with the given names; None for no names, that is, for a search by reward alone.

  Args:
    names: names of objectives; see `objective_of`.
    known: see `Objectives`.

  Raises:
    ValueError: if a name is unknown or given twice, or there is only one.
  """
  if isinstance(names, str):
    raise ValueError(f"expected a list of objectives, got {names!r}; write {_list_of(names)}")
  if not isinstance(names, Iterable):
    raise fields.wrong("a list", SETTING, names)
  members = [objective_of(fields.text(name, SETTING)) for name in names]
  return Objectives(members, known) if members else None


def _list_of(text: str) -> str:
  """Returns the list that a text of objectives was meant to be."""
  words = fields.split_text(text)
  return repr(words) if len(words) > 1 else f"[{', '.join([*map(repr, words), '...'])}]"


def recorded_objectives(settings: Mapping[str, Any]) -> Objectives | None:
  """Returns the objectives in the recorded settings of a search; None for a search by reward alone.

  Raises:
    ValueError: if the recorded names are invalid.
  """
  return objectives_of(fields.elements(settings.get(SETTING, []), SETTING))


def pareto_set_on_record(settings: Mapping[str, Any], trials: Iterable[Trial]) -> list[Trial]:
  """Returns the Pareto set of a recorded search; empty for a search by reward alone.

  Raises:
    ValueError: if the recorded objectives are invalid, or a trial lacks one.
  """
  objectives = recorded_objectives(settings)
  if objectives is None:
    return []
  whole = [trial for trial in trials if trial.evaluation is not None and trial.reward is not None]
  for trial in whole:
    missing = [name for name in objectives.names if trial.evaluation and name not in trial.evaluation.objectives]
    if missing:
      raise ValueError(f"trial {trial.id}: expected the objectives {', '.join(objectives.names)}, got no {missing[0]}")
  return objectives.pareto_set(whole)
