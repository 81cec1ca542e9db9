"""Objectives that are known of an architecture before its network is trained, and which objectives a search can have."""

import difflib
import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nao_tf.networks.buildable import is_buildable
from nao_tf.networks.cost_bounds import genotype_describer
from nao_tf.objectives import Objectives, objectives_of
from nao_tf.objectives.objective import LATENCY
from nao_tf.objectives.objectives import SETTING, Known
from nao_tf.spaces.base import SearchSpace
from nao_tf.tables.base import Table
from nao_tf.trial import Architecture

if TYPE_CHECKING:
  from nao_tf.tasks.base import Task

_MOST_KEPT = 100_000
_COSTS = ("parameters", "multiply_adds")
_OF_KINDS = {"images": ("accuracy", "loss"), "text": ("loss", "perplexity")}
"""Objectives that trained networks are measured in, by the kind of the task."""
_QUALITIES = ("accuracy", "loss", "perplexity")
_TRAINING = ("training", "inherited")
_BUILT_IN = (*_TRAINING, "shared_weights", "tabular")
_COUNTS = {"parameters": "params", "multiply_adds": "macs"}


def known_of_networks(space: SearchSpace, network_config: Any, task: "Task") -> dict[str, Known]:
  """Returns what networks cost, by the name of the objective; nothing if that is not known of the space's networks."""
  if not is_buildable(space, network_config):
    return {}
  described = genotype_describer(network_config, task.input_shape, task.num_outputs)

  @functools.lru_cache(maxsize=_MOST_KEPT)
  def costs(architecture: Architecture) -> tuple[float | None, ...]:
    try:
      found = described(space.decode(architecture))
    except ValueError:  # The cost of an operation is not known.
      return (None,) * len(_COSTS)
    return tuple(float(getattr(found, name)) for name in _COSTS)

  def of(place: int) -> Known:
    return lambda architecture: costs(space.canonical(architecture))[place]

  return {name: of(place) for place, name in enumerate(_COSTS)}


def known_of_table(table: Table) -> dict[str, Known]:
  """Returns what the networks of a table cost, by the name of the objective."""

  def of(counts: np.ndarray) -> Known:
    def cost(architecture: Architecture) -> float | None:
      row = table.row(architecture)
      return None if row is None else float(counts[row])

    return cost

  return {name: of(table.counts[count]) for name, count in _COUNTS.items() if count in table.counts}


def settings_of(objectives: Objectives | None, latency_batch_size: int) -> dict[str, Any]:
  """Returns the settings that determine a search beside its other settings, as JSON values; nothing for the reward alone."""
  if objectives is None:
    return {}
  latency = {"latency_batch_size": latency_batch_size} if LATENCY in objectives.names else {}
  return {SETTING: [str(objective) for objective in objectives.members], **latency}


def check_evaluator(names: Sequence[str], evaluator: str) -> None:
  """Checks that an evaluator can measure objectives, before any data is read.

  Raises:
    ValueError: if a name is unknown, or an evaluator of this package does not measure it.
  """
  objectives = objectives_of(names)
  if objectives is None or evaluator not in _BUILT_IN:
    return
  for objective in objectives.members:
    if objective.name == LATENCY and evaluator not in _TRAINING:
      raise ValueError(f"objective latency: it is measured by the evaluator training, not by {evaluator}")
    if objective.name in ("loss", "perplexity") and evaluator == "tabular":
      raise ValueError(f"objective {objective.name}: a table only has accuracies")


def check_kind(names: Sequence[str], evaluator: str, kind: str) -> None:
  """Checks that networks for a kind of tasks are measured in objectives, before any data is read.

  Raises:
    ValueError: if they are not.
  """
  objectives, measured = objectives_of(names), _OF_KINDS.get(kind, _QUALITIES)
  if objectives is None or evaluator not in _BUILT_IN or evaluator == "tabular":
    return
  for name in objectives.names:
    if name in _QUALITIES and name not in measured:
      raise ValueError(f"objective {name}: networks for {kind} are measured in {' and '.join(measured)}")


def sought(names: Sequence[str], known: Mapping[str, Known], evaluator: str, task: "Task | None") -> Objectives | None:
  """Returns the objectives of a search, after checking that its networks have them; None for the reward alone.

  Args:
    names: names of the objectives.
    known: what is known of architectures before their networks are trained.
    evaluator: name of the evaluator, or the import path of your own, which may measure anything.
    task: what the networks learn; None if there is a table.

  Raises:
    ValueError: if the networks do not have an objective; the message has those that they have.
  """
  check_evaluator(names, evaluator)
  objectives = objectives_of(names, known)
  if objectives is None or evaluator not in _BUILT_IN:
    return objectives
  measured = ("accuracy",) if task is None else _OF_KINDS.get(task.kind, _QUALITIES)
  possible = ("reward", *measured, *(("parameters",) if task is not None else ()), *known)
  possible = tuple(dict.fromkeys((*possible, *((LATENCY,) if evaluator in _TRAINING else ()))))
  for name in objectives.names:
    if name not in possible:
      near = difflib.get_close_matches(name, possible)
      meant = f"; did you mean {near[0]}?" if near else ""
      what = "the networks of the table" if task is None else f"networks for the task {task.name}"
      raise ValueError(f"objective {name!r}: {what} have {', '.join(possible)}{meant}")
  return objectives
