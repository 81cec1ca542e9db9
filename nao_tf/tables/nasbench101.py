"""Tables of NAS-Bench-101 (Ying et al., ICML 2019).

Arrays: `hash_prefix` uint64 [N], the first 16 hexadecimal digits of a cell's module hash; `num_vertices` [N];
`adj_bits` [N], bit `x + y(y-1)/2` is the edge x->y; `ops` [N, 5], the inner vertices' operations, 255 where there is no
vertex; `test_correct_run0` [N], of 9,984 images, after 108 epochs. Optional: `params` and `macs` [N]; for M rows
validations after E numbers of epochs: `val_index` [M], rows; `val_epochs` [E]; `val_correct` [M, E], of 9,984 images.
"""

import functools

import numpy as np

from nao_tf.spaces.nasbench101 import INPUT, NUM_VERTICES, OPERATIONS, OUTPUT, GraphGenotype, Nasbench101Space
from nao_tf.tables.arrays import INTEGERS, Arrays, check_arrays, check_range
from nao_tf.tables.base import Table
from nao_tf.trial import Architecture

PATTERN = r"hash_prefix|num_vertices|adj_bits|test_correct_run0"  # Arrays that only these tables have.
_NUM_IMAGES = 9984
_TEST = "test108"
_COUNTS = ("params", "macs")
_PER_ROW = ("hash_prefix", "num_vertices", "adj_bits", "test_correct_run0")


def table_of(path: str, arrays: Arrays) -> Table:
  """Returns the table that a file's arrays describe.

  Raises:
    ValueError: saying what does not fit.
  """
  counts = {name: arrays[name] for name in _COUNTS if name in arrays}
  per_row = dict.fromkeys((*_PER_ROW, *counts), (INTEGERS, "rows"))
  check_arrays(path, arrays, {**per_row, "ops": (INTEGERS, "rows", NUM_VERTICES - 2)})
  check_range(path, arrays, "num_vertices", 2, NUM_VERTICES)
  check_range(path, arrays, "test_correct_run0", 0, _NUM_IMAGES)
  space = Nasbench101Space()
  table = Table(
    path=path,
    space=space,
    figures={_TEST: _percent(arrays["test_correct_run0"]), **_validations(path, arrays)},
    counts=counts,
    default_objective=_TEST,
    default_report=_TEST,
    keys=arrays["hash_prefix"].astype(np.uint64),
    key_of=lambda architecture: int(space.module_hash(architecture)[:16], 16),
    architecture_of=functools.partial(_architecture, space, arrays),
  )
  for row in sorted({0, len(table) // 2, len(table) - 1} if len(table) else ()):
    _check_row(table, row)
  return table


def _architecture(space: Nasbench101Space, arrays: Arrays, row: int) -> Architecture:
  size, bits = int(arrays["num_vertices"][row]), int(arrays["adj_bits"][row])
  matrix = tuple(tuple(bits >> (x + y * (y - 1) // 2) & (x < y) for y in range(size)) for x in range(size))
  operations = (OPERATIONS[choice] for choice in arrays["ops"][row][: size - 2])
  return space.encode(GraphGenotype(matrix, (INPUT, *operations, OUTPUT)))


def _check_row(table: Table, row: int) -> None:
  """Checks the hash of a row: in a file with another numbering of edges or operations it does not fit."""
  try:
    key = table.key_of(table.architecture_of(row))
  except (ValueError, IndexError) as error:
    raise ValueError(f"{table.path}: row {row} is not a cell of {table.space.name}: {error}") from error
  if key != int(table.keys[row]):
    raise ValueError(
      f"{table.path}: the cell that adj_bits and ops describe in row {row} has hash prefix {key:016x}, but hash_prefix"
      f" is {int(table.keys[row]):016x}"
    )


def _validations(path: str, arrays: Arrays) -> Arrays:
  if "val_index" not in arrays:
    return {}
  per_validation = {"val_index": (INTEGERS, "validations"), "val_epochs": (INTEGERS, "epochs")}
  check_arrays(path, arrays, {**per_validation, "val_correct": (INTEGERS, "validations", "epochs")})
  num_rows = len(arrays["test_correct_run0"])
  check_range(path, arrays, "val_index", 0, num_rows - 1)
  check_range(path, arrays, "val_correct", 0, _NUM_IMAGES)
  figures = np.full([len(arrays["val_epochs"]), num_rows], np.nan)
  figures[:, arrays["val_index"]] = _percent(arrays["val_correct"].T)
  return {f"val{epochs}": figure for epochs, figure in zip(arrays["val_epochs"], figures)}


def _percent(num_correct: np.ndarray) -> np.ndarray:
  return 100.0 * num_correct.astype(np.float64) / _NUM_IMAGES
