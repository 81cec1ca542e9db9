"""Writes small tables in the formats of the real ones, with made-up figures."""

import itertools

import numpy as np

from nao_tf.spaces import make_space
from nao_tf.spaces.nasbench101 import OPERATIONS as OPERATIONS_101
from nao_tf.spaces.nasbench201 import OPERATIONS as OPERATIONS_201


def nasbench201_arrays():
  """Returns all 15,625 cells; the best by val200 is the last one."""
  ops = np.array(list(itertools.product(range(5), repeat=6)), np.uint8)
  val = 20 + 5 * ops @ (1 / np.arange(1, 7)) + ops[:, 0] * ops[:, 5] / 10
  return {
    "ops": ops,
    "op_names": np.array(OPERATIONS_201),
    "cifar10_val12": (val / 2).astype(np.float32),
    "cifar10_val200": val.astype(np.float32),
    "cifar10_test12": (val / 2 + 1).astype(np.float32),
    "cifar10_test200": (val + 1).astype(np.float32),
    "params_cifar10": 1000 + np.arange(len(ops), dtype=np.uint32),
  }


def nasbench101_arrays(num_samples=300, seed=0):
  """Returns some cells, every other one with a validation after 4 and 108 epochs."""
  space, rng = make_space("nasbench101"), np.random.default_rng(seed)
  cells = {space.module_hash(a): space.decode(a) for a in (space.sample(rng) for _ in range(num_samples))}
  prefixes = sorted(cells)
  genotypes = [cells[prefix] for prefix in prefixes]
  num_rows = len(prefixes)
  correct = (8000 + np.arange(num_rows)).astype(np.uint16)
  return {
    "hash_prefix": np.array([int(prefix[:16], 16) for prefix in prefixes], np.uint64),
    "num_vertices": np.array([len(genotype.operations) for genotype in genotypes], np.uint8),
    "adj_bits": np.array([_bits(genotype.matrix) for genotype in genotypes], np.uint32),
    "ops": np.array([_padded(genotype.operations[1:-1]) for genotype in genotypes], np.uint8),
    "params": np.arange(num_rows, dtype=np.uint32),
    "test_correct_run0": correct,
    "val_index": np.arange(0, num_rows, 2, dtype=np.int32),
    "val_correct": np.stack([correct[::2] - 4000, correct[::2] - 100], axis=1),
    "val_epochs": np.array([4, 108], np.uint8),
  }


def _bits(matrix):
  size = len(matrix)
  return sum(matrix[x][y] << (x + y * (y - 1) // 2) for y in range(size) for x in range(y))


def _padded(names):
  return [*map(OPERATIONS_101.index, names), *(255,) * (5 - len(names))]


def write_table(path, arrays):
  """Writes arrays to a file; returns its path as text."""
  np.savez(path, **arrays)
  return str(path)


def changed(arrays, **changes):
  """Returns the arrays with some replaced by what a function makes of them, or taken away."""
  rest = {name: array for name, array in arrays.items() if name not in changes}
  return rest | {name: change(arrays[name]) for name, change in changes.items() if change}


def put(value, *place):
  """Returns what replaces the elements of an array at a place."""

  def change(array):
    array = array.copy()
    array[place] = value
    return array

  return change
