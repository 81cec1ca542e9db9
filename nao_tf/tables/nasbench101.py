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
from typing import Any

import numpy as np

from nao_tf.spaces.layer_graphs import INPUT, OUTPUT
from nao_tf.spaces.nasbench101 import NUM_VERTICES, OPERATIONS, GraphGenotype, Nasbench101Space
from nao_tf.tables.arrays import INTEGERS, Arrays, ArraySpec, check_arrays, check_distinct, check_range
from nao_tf.tables.base import LARGEST_COUNT, Rows, Table, TableFormat
from nao_tf.trial import Architecture

PATTERN = r"hash_prefix|num_vertices|adj_bits|test_correct_run0"
"""Names of arrays that only these tables have."""
NUM_CELLS = 423_624
"""Different cells of the space."""
_NUM_IMAGES = 9984
_NUM_EDGES = NUM_VERTICES * (NUM_VERTICES - 1) // 2
_NO_VERTEX = 255
_MOST_VALIDATIONS = 32
_LONGEST_TRAINING = 10_000
"""Epochs."""
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
  counts = [name for name in _COUNTS if name in arrays]
  checked = _checked_cells(path, arrays, counts)
  space = Nasbench101Space()
  table = Table(
    path=path,
    space=space,
    rows=_rows(space, checked),
    figures={_TEST: _percent(checked["test_correct_run0"]), **_validations(path, arrays, len(checked["ops"]))},
    counts={name: checked[name] for name in counts},
    default_objective=_TEST,
    default_report=_TEST,
  )
  for row in sorted({0, len(table) // 2, len(table) - 1} if len(table) else ()):
    _check_row(table, row)
  return table


def _checked_cells(path: str, arrays: Arrays, counts: Iterable[str]) -> Arrays:
  """Returns the arrays about all cells.

  Args:
    path: path of the file, for error messages.
    arrays: its arrays by name.
    counts: names of those of shape [N] that are optional.
  """
  specs = dict.fromkeys((*_PER_ROW, *counts), ArraySpec(INTEGERS, ("rows",)))
  specs["ops"] = ArraySpec(INTEGERS, ("rows", NUM_VERTICES - 2))
  checked = check_arrays(path, arrays, specs, most={"rows": NUM_CELLS})
  check_range(path, checked, "hash_prefix", 0, 2**64 - 1)
  check_range(path, checked, "num_vertices", 2, NUM_VERTICES)
  check_range(path, checked, "adj_bits", 0, 2**_NUM_EDGES - 1)
  check_range(path, checked, "test_correct_run0", 0, _NUM_IMAGES)
  for name in counts:
    check_range(path, checked, name, 0, LARGEST_COUNT)
  _check_graphs(path, checked)
  return checked


def _check_graphs(path: str, arrays: Arrays) -> None:
  """Checks the vertices and edges of all cells at once."""
  sizes, bits = arrays["num_vertices"].astype(np.int64), arrays["adj_bits"].astype(np.int64)
  is_vertex = np.arange(NUM_VERTICES - 2) < sizes[:, None] - 2
  is_operation = (arrays["ops"] >= 0) & (arrays["ops"] < len(OPERATIONS))
  reached = np.ones([NUM_VERTICES, len(sizes)], bool)
  for y in range(1, NUM_VERTICES):
    reached[y] = np.any([reached[x] & (_edge(bits, x, y) == 1) for x in range(y)], axis=0)
  for reason, fits in (
    ("expected one of the operations 0 to 2 for each inner vertex", (is_operation | ~is_vertex).all(axis=1)),
    ("expected 255 as the operation where there is no vertex", (is_vertex | (arrays["ops"] == _NO_VERTEX)).all(axis=1)),
    ("expected edges between its vertices only", bits < 1 << sizes * (sizes - 1) // 2),
    ("there is no path from the input to the output", reached[sizes - 1, np.arange(len(sizes))]),
  ):
    if not fits.all():
      raise ValueError(f"{path}: row {int(np.argmin(fits))} is not a cell of {Nasbench101Space.name}: {reason}")


def _rows(space: Nasbench101Space, arrays: Arrays) -> Rows:
  return Rows(
    keys=arrays["hash_prefix"].astype(np.uint64),
    key_of=lambda architecture: int(space.module_hash(architecture)[:16], 16),
    architecture_of=functools.partial(_architecture, space, arrays),
  )


def _architecture(space: Nasbench101Space, arrays: Arrays, row: int) -> Architecture:
  size, bits = int(arrays["num_vertices"][row]), int(arrays["adj_bits"][row])
  matrix = tuple(tuple(_edge(bits, x, y) if x < y else 0 for y in range(size)) for x in range(size))
  operations = (OPERATIONS[choice] for choice in arrays["ops"][row][: size - 2])
  return space.encode(GraphGenotype(matrix, (INPUT, *operations, OUTPUT)))


def _edge(bits: Any, x: int, y: int) -> Any:
  """Returns 1 if there is an edge from vertex x to a later vertex y, 0 otherwise; of one cell or of each in an array."""
  return bits >> (x + y * (y - 1) // 2) & 1


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


def _validations(path: str, arrays: Arrays, num_rows: int) -> Arrays:
  """Returns the validation accuracies by name, [N] each, NaN where there is none."""
  if "val_index" not in arrays:
    return {}
  specs = {
    "val_index": ArraySpec(INTEGERS, ("validations",)),
    "val_epochs": ArraySpec(INTEGERS, ("epochs",)),
    "val_correct": ArraySpec(INTEGERS, ("validations", "epochs")),
  }
  checked = check_arrays(path, arrays, specs, most={"validations": num_rows, "epochs": _MOST_VALIDATIONS})
  check_range(path, checked, "val_index", 0, num_rows - 1)
  check_range(path, checked, "val_epochs", 1, _LONGEST_TRAINING)
  check_range(path, checked, "val_correct", 0, _NUM_IMAGES)
  for name in ("val_index", "val_epochs"):
    check_distinct(path, checked, name)
  figures = np.full([len(checked["val_epochs"]), num_rows], np.nan)
  figures[:, checked["val_index"]] = _percent(checked["val_correct"].T)
  return {f"val{epochs}": figure for epochs, figure in zip(checked["val_epochs"], figures)}


def _percent(num_correct: np.ndarray) -> np.ndarray:
  return 100.0 * num_correct.astype(np.float64) / _NUM_IMAGES


FORMAT = TableFormat(PATTERN, table_of)
