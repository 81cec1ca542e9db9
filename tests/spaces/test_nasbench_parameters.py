"""Numbers of parameters of benchmark networks: those of the published tables."""

import numpy as np
import pytest

from nao_tf.spaces import make_space
from nao_tf.tables import read_table
from tests.support.real_data import data_path


@pytest.mark.parametrize(
  ("space", "cell", "expected"),
  [
    (
      "nasbench201",
      "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|",
      1073466,
    ),
    ("nasbench201", "|nor_conv_1x1~0|+|nor_conv_1x1~0|none~1|+|none~0|none~1|none~2|", 129306),
    ("nasbench201", "|skip_connect~0|+|nor_conv_1x1~0|skip_connect~1|+|avg_pool_3x3~0|none~1|avg_pool_3x3~2|", 101306),
    ("nasbench101", "1 0 1 0 0 0 0 1 0 1 0 0 1 0 0 1 0 0 1 1 1 0 0 0 0 1", 41721738),
    ("nasbench101", "0 1 1 1 1 0 1 1 0 1 1 1 0 0 1 0 1 0 0 2 1 0 0 0 1 1", 4779018),
    ("nasbench101", "0 0 0 0 2 1 0 1 1 0 0 1 0 1 1 1 0 0 1 1 1 0 0 0 1 0", 882570),
  ],
)
def test_numbers_are_those_of_the_tables(space, cell, expected):
  space = make_space(space)
  assert space.parameter_count(space.parse(cell)) == expected


def test_channels_are_divided_among_the_sources_of_the_output():
  """Input -> three convolutions of 1x1 -> output: 43, 43 and 42 of 128 channels in the first stack."""
  space = make_space("nasbench101")
  row = [1, 1, 1, 0, 1, 1, 0, 0, 1, *4 * [0], 0, *5 * [0], 0, 0, 1, 1, 1, 0, 0]
  total, before = 9 * 3 * 128 + 2 * 128 + 512 * 10 + 10, 128
  for channels, parts in ((128, (43, 43, 42)), (256, (86, 85, 85)), (512, (171, 171, 170))):
    for incoming in (before, channels, channels):
      total += sum(incoming * part + 2 * part + part * part + 2 * part for part in parts)
    before = channels
  assert space.parameter_count(tuple(row)) == total


@pytest.mark.parametrize(
  ("space", "file", "most"), [("nasbench201", "nasbench201_cifar10.npz", 0.0), ("nasbench101", "nasbench101.npz", 0.02)]
)
def test_numbers_are_those_of_the_whole_tables(space, file, most):
  table, rng = read_table(data_path(f"nas/{file}")), np.random.default_rng(0)
  cells = [table.space.sample(rng) for _ in range(500)]
  rows = [(cell, row) for cell in cells if (row := table.row(cell)) is not None]
  counts = table.counts["params"]
  errors = np.array([abs(table.space.parameter_count(cell) / counts[row] - 1) for cell, row in rows])
  assert errors.max() <= most and (errors > 0).mean() < 0.1
