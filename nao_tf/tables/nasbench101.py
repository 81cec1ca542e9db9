"""Tables of NAS-Bench-101 (Ying et al., ICML 2019).

Arrays of a file with N cells:

* `hash_prefix`, uint64 [N]: the first 16 hexadecimal digits of the module hash.
* `num_vertices`, [N].
* `adj_bits`, [N]: bit x + y(y-1)/2 is the edge x->y.
* `ops`, [N, 5]: operations of the inner vertices, 255 where there is no vertex.
* `test_correct_run0`, [N]: correct ones among 9,984 test images after 108 epochs.
* Optional: `params` and `macs`, [N].
* Optional, for validations of M of the cells after each of E numbers of epochs: `val_index`, [M], their rows;
  `val_epochs`, [E]; `val_correct`, [M, E], correct ones among 9,984 validation images.
"""

import functools
from collections.abc import Iterable

import numpy as np

from nao_tf.spaces.nasbench101 import INPUT, NUM_VERTICES, OPERATIONS, OUTPUT, GraphGenotype, Nasbench101Space
from nao_tf.tables.arrays import INTEGERS, Arrays, ArraySpec, check_arrays, check_range
from nao_tf.tables.base import Rows, Table, TableFormat
from nao_tf.trial import Architecture

PATTERN = r"hash_prefix|num_vertices|adj_bits|test_correct_run0"
"""Names of arrays that only these tables have."""
_NUM_IMAGES = 9984
_TEST = "test108"
_COUNTS = ("params", "macs")
_PER_ROW = ("hash_prefix", "num_vertices", "adj_bits", "test_correct_run0")


def table_of(path: str, arrays: Arrays) -> Table:
  """Returns the table of a file.

  Args:
    path: path of the file, for error messages.
    arrays: its arrays by name.

  Raises:
    ValueError: if the arrays do not fit the format; the message says why.
  """
  counts = {name: arrays[name] for name in _COUNTS if name in arrays}
  _check_cells(path, arrays, (*_PER_ROW, *counts))
  space = Nasbench101Space()
  table = Table(
    path=path,
    space=space,
    rows=_rows(space, arrays),
    figures={_TEST: _percent(arrays["test_correct_run0"]), **_validations(path, arrays)},
    counts=counts,
    default_objective=_TEST,
    default_report=_TEST,
  )
  for row in sorted({0, len(table) // 2, len(table) - 1} if len(table) else ()):
    _check_row(table, row)
  return table


def _check_cells(path: str, arrays: Arrays, per_row: Iterable[str]) -> None:
  """Checks the arrays about all cells.

  Args:
    path: path of the file, for error messages.
    arrays: its arrays by name.
    per_row: names of those of shape [N].
  """
  specs = dict.fromkeys(per_row, ArraySpec(INTEGERS, ("rows",)))
  check_arrays(path, arrays, {**specs, "ops": ArraySpec(INTEGERS, ("rows", NUM_VERTICES - 2))})
  check_range(path, arrays, "num_vertices", 2, NUM_VERTICES)
  check_range(path, arrays, "test_correct_run0", 0, _NUM_IMAGES)


def _rows(space: Nasbench101Space, arrays: Arrays) -> Rows:
  return Rows(
    keys=arrays["hash_prefix"].astype(np.uint64),
    key_of=lambda architecture: int(space.module_hash(architecture)[:16], 16),
    architecture_of=functools.partial(_architecture, space, arrays),
  )


def _architecture(space: Nasbench101Space, arrays: Arrays, row: int) -> Architecture:
  size, bits = int(arrays["num_vertices"][row]), int(arrays["adj_bits"][row])
  matrix = tuple(tuple(_edge(bits, x, y) for y in range(size)) for x in range(size))
  operations = (OPERATIONS[choice] for choice in arrays["ops"][row][: size - 2])
  return space.encode(GraphGenotype(matrix, (INPUT, *operations, OUTPUT)))


def _edge(bits: int, x: int, y: int) -> int:
  """Returns 1 if there is an edge from vertex x to vertex y, 0 otherwise."""
  return bits >> (x + y * (y - 1) // 2) & 1 if x < y else 0


def _check_row(table: Table, row: int) -> None:
  """Checks the hash of a row. It is wrong if the file numbers edges or operations in another way."""
  rows = table.rows
  try:
    key = rows.key_of(rows.architecture_of(row))
  except (ValueError, IndexError) as error:
    raise ValueError(f"{table.path}: row {row} is not a cell of {table.space.name}: {error}") from error
  if key != int(rows.keys[row]):
    raise ValueError(
      f"{table.path}: the cell that adj_bits and ops describe in row {row} has hash prefix {key:016x}, but hash_prefix"
      f" is {int(rows.keys[row]):016x}"
    )


def _validations(path: str, arrays: Arrays) -> Arrays:
  """Returns the validation accuracies by name, [N] each, NaN where there is none."""
  if "val_index" not in arrays:
    return {}
  specs = {
    "val_index": ArraySpec(INTEGERS, ("validations",)),
    "val_epochs": ArraySpec(INTEGERS, ("epochs",)),
    "val_correct": ArraySpec(INTEGERS, ("validations", "epochs")),
  }
  check_arrays(path, arrays, specs)
  num_rows = len(arrays["test_correct_run0"])
  check_range(path, arrays, "val_index", 0, num_rows - 1)
  check_range(path, arrays, "val_correct", 0, _NUM_IMAGES)
  figures = np.full([len(arrays["val_epochs"]), num_rows], np.nan)
  figures[:, arrays["val_index"]] = _percent(arrays["val_correct"].T)
  return {f"val{epochs}": figure for epochs, figure in zip(arrays["val_epochs"], figures)}


def _percent(num_correct: np.ndarray) -> np.ndarray:
  return 100.0 * num_correct.astype(np.float64) / _NUM_IMAGES


FORMAT = TableFormat(PATTERN, table_of)
