"""The results of a training that can be read without TensorFlow: the metrics of its epochs, and those on the test set."""

import os
from collections.abc import Mapping
from typing import Any

from nao_tf import fields
from nao_tf.runs.json_files import read_json, write_json
from nao_tf.runs.lines import read_lines
from nao_tf.training.base import Metrics

CHECKPOINTS = "checkpoints"
HISTORY_FILE = "history.jsonl"
TEST_FILE = "test.json"


def read_history(directory: str) -> list[Metrics]:
  """Returns the metrics of all epochs that a training directory holds; none if there is no history.

  Raises:
    ValueError: if a line is not that of an epoch; the message names it.
  """
  path = os.path.join(directory, HISTORY_FILE)
  return read_lines(path, _epoch, "an epoch of a training") if os.path.exists(path) else []


def write_test_figures(directory: str, metrics: Mapping[str, float]) -> None:
  """Writes the metrics on the test set into a training directory; nothing if there are none.

  Raises:
    OSError: if the file cannot be written.
  """
  if metrics:
    write_json(os.path.join(directory, TEST_FILE), {name: float(value) for name, value in metrics.items()})


def read_test_figures(directory: str) -> dict[str, float]:
  """Returns the metrics on the test set that a training directory holds; none if it was not tested.

  Raises:
    ValueError: if the file holds something else; the message names it.
  """
  path = os.path.join(directory, TEST_FILE)
  if not os.path.exists(path):
    return {}
  figures = fields.mapping(read_json(path, allow_nan=True), path)
  return {name: fields.any_number(value, f"{path}: {name}") for name, value in figures.items()}


def _epoch(value: Any) -> Metrics:
  """Returns the metrics that a line of a history holds."""
  if not isinstance(value, dict):
    raise ValueError(f"expected metrics by name, got a {type(value).__name__}")
  for name, number in value.items():
    if isinstance(number, bool) or not isinstance(number, (int, float)):
      raise ValueError(f"expected a number as {name}, got {number!r}")
  if not isinstance(value.get("epoch"), int) or value["epoch"] < 1:
    raise ValueError(f"expected the number of an epoch, from 1, as epoch, got {value.get('epoch')!r}")
  return value
