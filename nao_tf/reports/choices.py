"""How often each operation and each input is chosen."""

import collections
import math
from collections.abc import Sequence

import numpy as np

from nao_tf.reports.record import Record
from nao_tf.spaces import nasbench101, nasbench201, recurrent
from nao_tf.spaces.base import SearchSpace
from nao_tf.spaces.genotypes import NUM_CELL_INPUTS
from nao_tf.spaces.nasnet import NasnetSpace
from nao_tf.spaces.pnas import PnasSpace
from nao_tf.trial import Trial, top_trials

Label = tuple[str, str]
"""What is chosen, such as "operations of the normal cell", and the choice, such as "sep3x3"."""

_BEST_SHARE = 10
_CELL_INPUTS = ("cell k-2", "cell k-1")


def choice_shares(record: Record) -> dict[str, list[tuple[str, float, float]]]:
  """Returns for each kind of choice how often each was made among the best tenth and among all.

  Only trials with a reward count. Choices are sorted by their frequency among the best.
  """
  scored = record.scored
  if record.space is None or not scored:
    return {}
  best = _counts(record.space, top_trials(scored, math.ceil(len(scored) / _BEST_SHARE)))
  every = _counts(record.space, scored)
  return {kind: _shares(best[kind], counts) for kind, counts in every.items()}


def label_of(space: SearchSpace, position: int, choice: int) -> Label:
  """Returns what a choice at a position of an architecture means, as far as its space is known here.

  Args:
    space: space of the architecture.
    position: in the architecture.
    choice: there.
  """
  kind = space.decisions[position].kind
  if isinstance(space, NasnetSpace):
    return _of_cell(space, position, kind, choice)
  if isinstance(space, PnasSpace):
    return _of_one_cell(space, kind, choice)
  if isinstance(space, recurrent.RecurrentSpace):
    return ("inputs", f"node {choice}") if kind == "predecessor" else ("activations", recurrent.ACTIVATIONS[choice])
  if isinstance(space, nasbench201.Nasbench201Space):
    return kind, nasbench201.OPERATIONS[choice]
  if isinstance(space, nasbench101.Nasbench101Space) and kind == "operation":
    return "operations", nasbench101.OPERATIONS[choice]
  return kind, f"choice {choice}"


def _of_cell(space: NasnetSpace, position: int, kind: str, choice: int) -> Label:
  cell = "normal" if position < len(space.decisions) // 2 else "reduction"
  if kind == "operation":
    return f"operations of the {cell} cell", space.operations[choice].name
  return f"inputs in the {cell} cell", _CELL_INPUTS[choice] if choice < NUM_CELL_INPUTS else f"node {choice}"


def _of_one_cell(space: PnasSpace, kind: str, choice: int) -> Label:
  if kind == "operation":
    return "operations", space.operations[choice]
  if kind == "blocks":
    return "numbers of blocks", str(choice + 1)
  return "inputs", _CELL_INPUTS[choice] if choice < NUM_CELL_INPUTS else f"block {choice}"


def _counts(space: SearchSpace, trials: Sequence[Trial]) -> dict[str, "collections.Counter[str]"]:
  """Returns how often each choice was made, by what is chosen. All that was not chosen at all has the count 0."""
  rows = np.array([trial.architecture for trial in trials])
  counts: dict[str, collections.Counter[str]] = {}
  for position, decision in enumerate(space.decisions):
    for choice, count in enumerate(np.bincount(rows[:, position], minlength=decision.size).tolist()):
      kind, name = label_of(space, position, choice)
      counts.setdefault(kind, collections.Counter())[name] += count
  return counts


def _shares(best: "collections.Counter[str]", counts: "collections.Counter[str]") -> list[tuple[str, float, float]]:
  of_best, of_all = max(sum(best.values()), 1), max(sum(counts.values()), 1)
  rows = [(choice, best[choice] / of_best, count / of_all) for choice, count in counts.items()]
  return sorted(rows, key=lambda row: (-row[1], -row[2], row[0]))
