"""Tables of NAS-Bench-201 (Dong and Yang, ICLR 2020), one file for each dataset.

Arrays: `ops` [N, 6], for the edges in the order of the space, indices of `op_names` [5]; `<dataset>_val<epochs>` and
`<dataset>_test<epochs>` [N], in percent, for one or more numbers of epochs. Optional: `params_<dataset>` and
`macs_<dataset>` [N].
"""

import re

import numpy as np

from nao_tf.spaces.nasbench201 import EDGES, OPERATIONS, Nasbench201Space
from nao_tf.tables.arrays import INTEGERS, NUMBERS, TEXTS, Arrays, check_arrays, check_range
from nao_tf.tables.base import Table

_ACCURACY = r"(?P<dataset>.+)_(?P<figure>(?P<part>val|test)\d+)"
PATTERN = rf"op_names|{_ACCURACY}"  # Arrays that only these tables have.
_COUNTS = ("params", "macs")


def table_of(path: str, arrays: Arrays) -> Table:
  """Returns the table that a file's arrays describe.

  Raises:
    ValueError: saying what does not fit.
  """
  dataset, names = _accuracies(path, arrays)
  counts = {name: f"{name}_{dataset}" for name in _COUNTS if f"{name}_{dataset}" in arrays}
  layout = {"op_names": (TEXTS, len(OPERATIONS)), "ops": (INTEGERS, "rows", len(EDGES))}
  layout |= dict.fromkeys((*names.values(), *counts.values()), (NUMBERS, "rows"))
  check_arrays(path, arrays, layout)
  for name in names.values():
    check_range(path, arrays, name, 0, 100)
  choices = _choices(path, arrays)
  weights = len(OPERATIONS) ** np.arange(len(EDGES))
  return Table(
    path=path,
    space=Nasbench201Space(),
    figures={figure: arrays[name].astype(np.float64) for figure, name in names.items()},
    counts={count: arrays[name] for count, name in counts.items()},
    default_objective=_longest("val", names),
    default_report=_longest("test", names),
    keys=choices @ weights,
    key_of=lambda architecture: int(np.dot(architecture, weights)),
    architecture_of=lambda row: tuple(choices[row].tolist()),
  )


def _accuracies(path: str, arrays: Arrays) -> tuple[str, dict[str, str]]:
  """Returns the name of the dataset and, for each figure, the name of its array."""
  matches = [match for match in (re.fullmatch(_ACCURACY, name) for name in arrays) if match]
  datasets = {match["dataset"] for match in matches}
  if len(datasets) != 1 or {match["part"] for match in matches} != {"val", "test"}:
    raise ValueError(
      f"{path}: expected arrays <dataset>_val<epochs> and <dataset>_test<epochs> of one dataset;"
      f" found {', '.join(arrays)}"
    )
  return datasets.pop(), {match["figure"]: match[0] for match in matches}


def _choices(path: str, arrays: Arrays) -> np.ndarray:
  """Returns the space's choices, [N, 6]; a file may have its operations in another order."""
  names = arrays["op_names"].tolist()
  if sorted(names) != sorted(OPERATIONS):
    raise ValueError(f"{path}: op_names must be {', '.join(OPERATIONS)} in any order, got {', '.join(names)}")
  check_range(path, arrays, "ops", 0, len(names) - 1)
  return np.array([OPERATIONS.index(name) for name in names])[arrays["ops"]]


def _longest(part: str, figures) -> str:
  """Returns the name of the figure on a part of the data after the most epochs."""
  return max((name for name in figures if name.startswith(part)), key=lambda name: int(name.removeprefix(part)))
