"""Everything that reads files from outside: the laws of `tests/conformance/test_readers.py` hold for each, and
`tests.support.fuzzing` damages files for each.

A new reader is a row of `READERS`.
"""

import dataclasses
import json
import os
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
from absl import flags

from nao_tf.benchmarks.overhead_file import read_overhead
from nao_tf.benchmarks.strategy_benchmark import BenchmarkConfig, Record, Run, read_record
from nao_tf.runs.genotype_files import read_genotype
from nao_tf.runs.hints import read_hints
from nao_tf.runs.journal import read_trials
from nao_tf.runs.predictions import read_predictions
from nao_tf.runs.settings import RunDirectoryError, read_settings
from nao_tf.runs.starts import read_starts
from nao_tf.searches import reading
from nao_tf.spaces import make_space
from nao_tf.spaces.nasnet import nasnet5
from nao_tf.spaces.published import CELLS, RECURRENT_CELLS
from nao_tf.supernets.rounds import RoundsFile
from nao_tf.tables import read_table
from nao_tf.tables.arrays import NUMBERS, ArraySpec, load_array
from nao_tf.tools import flagfiles, flagging
from nao_tf.training.config import TrainingConfig
from nao_tf.training.history import read_test_figures
from nao_tf.training.language_config import LanguageTrainingConfig
from nao_tf.trial import Trial
from tests.support import mutations, toy_tables

DATA = pathlib.Path(__file__).parent.parent / "data" / "version_0_1_0"


@dataclasses.dataclass(frozen=True)
class Reader:
  """A function that reads a file from outside.

  Attributes:
    write: writes a valid file, and what belongs beside it, into a directory; returns the path of the file.
    read: reads the file at a path.
    damage: what damages such files; see `tests.support.mutations`.
    errors: what it may raise.
    names: what the message of an error names: the "file", the "directory" that it is in, or nothing, "".
    needs_tensorflow: whether it imports TensorFlow.
    waiting: why it does not obey the law yet; empty if it does.
  """

  write: Callable[[str], str]
  read: Callable[[str], Any]
  damage: Callable[[bytes], Any]
  errors: tuple[type[Exception], ...] = (ValueError,)
  names: str = "file"
  needs_tensorflow: bool = False
  waiting: str = ""


def json_at(name, value):
  """Returns what writes a JSON file of that name."""
  return text_at(name, json.dumps(value, indent=1))


def lines_at(name, *records):
  """Returns what writes a file of JSON lines."""
  return text_at(name, "".join(json.dumps(record) + "\n" for record in records))


def text_at(name, text):
  """Returns what writes a text file."""
  return bytes_at(name, text.encode())


def bytes_at(name, data):
  """Returns what writes a file of bytes; the directories above it are made."""

  def write(directory):
    path = os.path.join(directory, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
      file.write(data)
    return path

  return write


def after(first, then):
  """Returns what writes two files; the second one is damaged."""

  def write(directory):
    first(directory)
    return then(directory)

  return write


def in_directory(read):
  """Returns what reads the directory of a path."""
  return lambda path: read(os.path.dirname(path))


def archive_at(name, arrays):
  """Returns what writes arrays, each of them a small one."""

  def write(directory):
    return toy_tables.write_table(os.path.join(directory, name), arrays())

  return write


def small_table_201():
  """Returns twelve of the cells of the toy table."""
  arrays = toy_tables.nasbench201_arrays()
  return {name: array if name == "op_names" else array[:12] for name, array in arrays.items()}


def single_array(directory):
  """Writes a single array."""
  path = os.path.join(directory, "array.npy")
  np.save(path, np.arange(8.0).reshape(2, 4))
  return path


def run_in(directory):
  """Returns a search of a benchmark in a directory."""
  config = BenchmarkConfig("table.npz", "val200", "test200", num_trials=4)
  return Run("random", 3, {"config": {"rate": 0.5}}, config, "0123456789abcdef", directory)


def write_record(directory):
  """Writes the record of that search."""
  record = Record(run_in(directory).settings, 1.5, [90.5, None, 91.0], [90.0, None, None], [3, None, 15])
  return json_at("runs/random-3.json", dataclasses.asdict(record))(directory)


def read_record_at(path):
  """Reads the record at a path."""
  return read_record(run_in(os.path.dirname(os.path.dirname(path))))


def read_configs(path):
  """Reads recorded settings of a training of images."""
  settings = read_settings(os.path.dirname(path))
  return named(path, lambda: flagging.from_settings(TrainingConfig(), settings, "training"))


def read_language_configs(path):
  """Reads recorded settings of a training of a text."""
  settings = read_settings(os.path.dirname(path))
  return named(path, lambda: flagging.from_settings(LanguageTrainingConfig(), settings, "training"))


def named(path, read):
  """Reads a value out of a file; its errors do not name the file, so this does it for them."""
  try:
    return read()
  except ValueError as error:
    raise ValueError(f"{path}: {error}") from error


def read_architecture(space):
  """Returns what reads the text form of an architecture."""

  def read(path):
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
      return make_space(space).parse(file.read())

  return read


def read_history(path):
  """Reads the history of a training."""
  from nao_tf.training.history import read_history

  return read_history(os.path.dirname(path))


def write_oracle(name):
  """Returns what writes a KerasTuner project with an oracle of ours; its file of that name is damaged."""

  def write(directory):
    from tests.support.tuner_cases import open_oracle, run, six

    oracle = open_oracle(directory, "random", six(), past=[({"on": True, "color": "red"}, 0.5)])
    run(oracle, 2, lambda values: 1.0)
    oracle.create_trial("other")
    return os.path.join(directory, "project", name)

  return write


def go_on_with_oracle(path):
  """Goes on with the project that a file is in, as far as the next trial."""
  from tests.support.tuner_cases import open_oracle, six

  directory = path.partition("project")[0]
  oracle = open_oracle(directory, "random", six())
  oracle.populate_space("next")
  return oracle.get_best_trials(3)


def read_past_trials(path):
  """Reads the trials of a KerasTuner project."""
  import keras_tuner

  from nao_tf.tuner.past_trials import past_trials

  return past_trials(os.path.dirname(os.path.dirname(path)), keras_tuner.Objective("reward", "max"))


def file_of(name, *, as_name=None):
  """Returns what copies a file that version 0.1.0 wrote."""
  return bytes_at(as_name or os.path.basename(name), (DATA / name).read_bytes())


CELLS_JSON = CELLS["NAONet-WS"].genotype.to_json()
MOTIFS_JSON = make_space("hierarchical").decode(make_space("hierarchical").trivial()).to_json()
RECURRENT_JSON = RECURRENT_CELLS["NAO-RNN"].genotype.to_json()
BEST = {
  "trial": 3,
  "origin": "mutation of #1",
  "space": "nasnet5",
  "architecture": CELLS["NAONet-WS"].text,
  "genotype": CELLS_JSON,
  "reward": 0.5,
  "metrics": {"loss": 0.25},
}
ARCHITECTURE, OTHER = list(CELLS["NAONet-WS"].architecture), list(CELLS["NAONet-V2"].architecture)
SETTINGS = {"space": "nasnet5", "seed": 1, "reward": "last", "options": {"rate": 0.5}, "network.filters": 8}
ORIGINS = ({"kind": "random"}, {"kind": "ascent", "parents": [0], "step": 0.5, "indirect": True})
ASKED = [
  {"id": number, "architecture": row, "origin": origin}
  for number, (row, origin) in enumerate(zip((ARCHITECTURE, OTHER), ORIGINS))
]
JOURNAL = (
  {"asked": ASKED, "settings": SETTINGS},
  {"closed": 0, "reward": 0.5, "cost_seconds": 1.5, "metrics": {"parameters": 12, "loss": 0.25}},
  {"closed": 1, "reward": None, "cost_seconds": 0.0, "metrics": {"reason": "it failed"}},
)
FINALISTS = (
  {"asked": [{**ASKED[0], "origin": {"kind": "rerank", "parents": [0], "reward": 0.5}}], "settings": SETTINGS},
  {"closed": 0, "reward": 0.75, "cost_seconds": 1.5, "metrics": {}},
)
OLD_JOURNAL = (
  {"asked": [{**ASKED[0], "origin": "random"}, {**ASKED[1], "origin": "ascent from #0, step 0.5, after others"}]},
  JOURNAL[1],
  {"asked": [{**ASKED[0], "id": 2, "origin": "#1 of the search, reward 0.5000"}]},
)
SEARCH = after(json_at("config.json", SETTINGS), lines_at("trials.jsonl", *JOURNAL))
ROUNDS = (
  {"round": 0, "batch": [ARCHITECTURE], "pool": [ARCHITECTURE, OTHER], "last_epoch": 5},
  {"reference": [0.5, float("nan")], "of": 0},
  {"architecture": ARCHITECTURE, "reward": -0.5},
  {"diverged": "the loss is NaN"},
)
TRAINING = json.loads((DATA / "training" / "config.json").read_text())
OVERHEAD = {"nao, 10 trials": {"mean": 0.5, "max": 1.0, "num_timed": 20}}
EPOCHS = ({"epoch": 1, "loss": 0.5, "seconds": 1.25}, {"epoch": 2, "loss": float("nan"), "seconds": 1.0})
LANGUAGE = {
  f"training.{field.name}": getattr(LanguageTrainingConfig(), field.name)
  for field in dataclasses.fields(LanguageTrainingConfig)
}
FLAGS = "# A comment.\n--space=nasnet5\n\n--num_trials=3\n"

_IN_RUNS = {"errors": (ValueError, RunDirectoryError)}

READERS = {
  "cells": Reader(json_at("genotype.json", CELLS_JSON), read_genotype, mutations.JsonFile),
  "motifs": Reader(json_at("genotype.json", MOTIFS_JSON), read_genotype, mutations.JsonFile),
  "recurrent cell": Reader(json_at("genotype.json", RECURRENT_JSON), read_genotype, mutations.JsonFile),
  "winner": Reader(json_at("best.json", BEST), read_genotype, mutations.JsonFile),
  "settings": Reader(json_at("config.json", SETTINGS), in_directory(read_settings), mutations.JsonFile, **_IN_RUNS),
  "settings of images": Reader(json_at("config.json", TRAINING), read_configs, mutations.JsonFile, **_IN_RUNS),
  "settings of texts": Reader(json_at("config.json", LANGUAGE), read_language_configs, mutations.JsonFile, **_IN_RUNS),
  "journal": Reader(lines_at("trials.jsonl", *JOURNAL), in_directory(read_trials), mutations.LinesOfJson, **_IN_RUNS),
  "old journal": Reader(
    lines_at("trials.jsonl", *OLD_JOURNAL), in_directory(read_trials), mutations.LinesOfJson, **_IN_RUNS
  ),
  "search": Reader(SEARCH, in_directory(reading.load), mutations.LinesOfJson, **_IN_RUNS),
  "finalists": Reader(
    after(SEARCH, lines_at("rerank/trials.jsonl", *FINALISTS)),
    lambda path: reading.load(os.path.dirname(os.path.dirname(path))),
    mutations.LinesOfJson,
    **_IN_RUNS,
  ),
  "rounds": Reader(
    lines_at("rounds.jsonl", *ROUNDS),
    in_directory(lambda directory: RoundsFile(directory, nasnet5())),
    mutations.LinesOfJson,
  ),
  "record of a benchmark": Reader(write_record, read_record_at, mutations.JsonFile),
  "overhead": Reader(json_at("overhead.json", OVERHEAD), read_overhead, mutations.JsonFile),
  "table of NAS-Bench-101": Reader(
    archive_at("101.npz", lambda: toy_tables.nasbench101_arrays(12)), read_table, mutations.Archive
  ),
  "table of NAS-Bench-201": Reader(archive_at("201.npz", small_table_201), read_table, mutations.Archive),
  "array": Reader(single_array, lambda path: load_array(path, ArraySpec(NUMBERS, (2, 4))), mutations.Bytes),
  "flagfile": Reader(
    text_at("a.flags", FLAGS),
    lambda path: flagfiles.expanded(["program", f"--flagfile={path}"]),
    mutations.Bytes,
    (flags.Error,),
  ),
  **{
    f"architecture of {space}": Reader(
      text_at("architecture.txt", text), read_architecture(space), mutations.Bytes, names=""
    )
    for space, text in {
      "nasnet5": CELLS["NAONet-WS"].text,
      "nasnet11": CELLS["NAONet-A"].text,
      "rnn12": "nao_ws: " + RECURRENT_CELLS["NAO-RNN-WS"].text,
      "nasbench101": "1 0 " * 13,
      "nasbench201": "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|nor_conv_1x1~1|nor_conv_3x3~2|",
    }.items()
  },
  "predictions": Reader(
    lines_at("predictions.jsonl", {"id": 0, "architecture": [1, 2], "score": 0.5, "asked_before": 16}),
    in_directory(lambda directory: read_predictions(directory, [Trial(0, (1, 2))])),
    mutations.LinesOfJson,
  ),
  "hints": Reader(
    lines_at("hints.jsonl", {"after": 12, "hints": [{"name": "the earlier search", "weight": 0.5}]}),
    in_directory(read_hints),
    mutations.LinesOfJson,
  ),
  "starts": Reader(
    lines_at("starts.jsonl", {"time": 1.5, "versions": {"python": "3.11"}}),
    in_directory(read_starts),
    mutations.LinesOfJson,
  ),
  "test figures": Reader(json_at("test.json", {"accuracy": 0.5}), in_directory(read_test_figures), mutations.JsonFile),
  "history": Reader(lines_at("history.jsonl", *EPOCHS), read_history, mutations.LinesOfJson),
  "project of KerasTuner": Reader(
    file_of("tuner/tuner/trial_1/trial.json", as_name="trial_1/trial.json"),
    read_past_trials,
    mutations.JsonFile,
    names="directory",
    needs_tensorflow=True,
  ),
  "state of an oracle": Reader(
    write_oracle("oracle.json"), go_on_with_oracle, mutations.JsonFile, needs_tensorflow=True
  ),
  "trial of an oracle": Reader(
    write_oracle("trial_01/trial.json"), go_on_with_oracle, mutations.JsonFile, needs_tensorflow=True
  ),
}
"""Readers by name."""
