"""Tables of NAS-Bench-201 (Dong and Yang, ICLR 2020), one file for each dataset.

Arrays of a file with N cells:

* `op_names`, [5]: names of the operations, in any order.
* `ops`, [N, 6]: for each edge, in the order of the space, the index of its operation in `op_names`.
* `<dataset>_val<epochs>` and `<dataset>_test<epochs>`, [N], for one or more numbers of epochs: accuracies in percent.
* Optional: `params_<dataset>` and `macs_<dataset>`, [N].
"""

import re
from collections.abc import Iterable

import numpy as np

from nao_tf.spaces.nasbench201 import EDGES, OPERATIONS, Nasbench201Space
from nao_tf.tables.arrays import INTEGERS, NUMBERS, TEXTS, Arrays, ArraySpec, check_arrays, check_range, names_of
from nao_tf.tables.base import LARGEST_COUNT, Rows, Table, TableFormat

_ACCURACY = r"(?P<dataset>.+)_(?P<figure>(?P<part>val|test)[0-9]{1,6})"
PATTERN = rf"op_names|{_ACCURACY}"
"""Names of arrays that only these tables have."""
_COUNTS = ("params", "macs")


def table_of(path: str, arrays: Arrays) -> Table:
  """Returns the table of a file.

  Args:
    path: path of the file, for error messages.
    arrays: its arrays by name.

  Raises:
    ValueError: if the arrays do not fit the format; the message says why.
  """
  dataset, names = _accuracies(path, arrays)
  counts = {name: f"{name}_{dataset}" for name in _COUNTS if f"{name}_{dataset}" in arrays}
  space = Nasbench201Space()
  checked = _checked(path, arrays, most_rows=space.size, accuracies=names.values(), counts=counts.values())
  return Table(
    path=path,
    space=space,
    rows=_rows(_choices(path, checked)),
    figures={figure: checked[name].astype(np.float64) for figure, name in names.items()},
    counts={count: checked[name] for count, name in counts.items()},
    default_objective=_longest("val", names),
    default_report=_longest("test", names),
  )


def _checked(path: str, arrays: Arrays, *, most_rows: int, accuracies: Iterable[str], counts: Iterable[str]) -> Arrays:
  """Returns the arrays of a table, given the names of those that hold accuracies and counts."""
  specs = {
    "op_names": ArraySpec(TEXTS, (len(OPERATIONS),)),
    "ops": ArraySpec(INTEGERS, ("rows", len(EDGES))),
    **dict.fromkeys((*accuracies, *counts), ArraySpec(NUMBERS, ("rows",))),
  }
  checked = check_arrays(path, arrays, specs, most={"rows": most_rows})
  for name in accuracies:
    check_range(path, checked, name, 0, 100)
  for name in counts:
    check_range(path, checked, name, 0, LARGEST_COUNT)
  return checked


def _rows(choices: np.ndarray) -> Rows:
  """Returns the rows of architectures [N, 6]. The key of an architecture has its choices as digits."""
  weights = len(OPERATIONS) ** np.arange(len(EDGES))
  return Rows(
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
      f" found {names_of(arrays)}"
    )
  return datasets.pop(), {match["figure"]: match[0] for match in matches}


def _choices(path: str, arrays: Arrays) -> np.ndarray:
  """Returns the architectures, [N, 6]. The file may list the operations in another order than the space."""
  names = arrays["op_names"].tolist()
  if sorted(names) != sorted(OPERATIONS):
    raise ValueError(
      f"{path}: op_names must be {', '.join(OPERATIONS)} in any order, got {', '.join(name[:40] for name in names)}"
    )
  check_range(path, arrays, "ops", 0, len(names) - 1)
  return np.array([OPERATIONS.index(name) for name in names])[arrays["ops"]]


def _longest(part: str, figures: Iterable[str]) -> str:
  """Returns the name of the figure for a part of the data ("val" or "test") with the most epochs."""
  return max((name for name in figures if name.startswith(part)), key=lambda name: int(name.removeprefix(part)))


FORMAT = TableFormat(PATTERN, table_of)
