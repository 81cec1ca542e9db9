"""The learned state of NAO in a file. It is a cache: without it, a resumed search learns the same again."""

import dataclasses
import json
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from nao_tf import fields
from nao_tf.controller.controller import Controller
from nao_tf.controller.state import controller_state, restore_controller_state
from nao_tf.runs.json_files import parse_json
from nao_tf.runs.old_origins import read_origin
from nao_tf.runs.predictions import Prediction
from nao_tf.strategies.base import Proposal
from nao_tf.tables.arrays import NUMBERS, TEXTS, ArraySpec, check_arrays, load_arrays
from nao_tf.trial import Architecture

STATE_FILE = "nao.npz"
MAX_TEMPERATURE = 1000.0
"""At which the decoder draws all legal tokens about equally often."""
_LEARNED = "learned"
"""Name of the array that holds what else was learned, as JSON."""


@dataclasses.dataclass(frozen=True)
class Learned:
  """The learned state besides the weights of the controllers.

  Attributes:
    rounds: proposals of each round, keyed by the number of architectures asked for before it.
    num_fits: number of trainings of the controllers since they were last trained from scratch.
    temperature: temperature of the decoder.
    num_scored_when_fresh: number of trials with a reward when the controllers were last trained from scratch.
    predictions: predicted scores of proposals.
  """

  rounds: Mapping[int, list[Proposal]]
  num_fits: int
  temperature: float
  num_scored_when_fresh: int
  predictions: Mapping[Architecture, Prediction]


def write_learned(directory: str, controller: Controller, learned: Learned) -> None:
  """Atomically writes the weights of controllers and the rest of the learned state to `STATE_FILE` in a directory."""
  os.makedirs(directory, exist_ok=True)
  arrays: dict[str, Any] = {_LEARNED: np.array(_to_json(learned)), **controller_state(controller)}
  path = os.path.join(directory, STATE_FILE)
  with open(f"{path}.tmp", "wb") as file:
    np.savez(file, **arrays)
    file.flush()
    os.fsync(file.fileno())
  os.replace(f"{path}.tmp", path)


def read_learned(path: str, controller: Controller) -> Learned:
  """Reads what `write_learned` wrote, restoring the weights of the controllers.

  Raises:
    OSError: if the file cannot be read.
    ValueError: if the file is damaged, or belongs to other controllers, which are then unchanged.
  """
  specs = {name: ArraySpec(NUMBERS, array.shape) for name, array in controller_state(controller).items()}
  arrays = check_arrays(path, load_arrays(path), {_LEARNED: ArraySpec(TEXTS, ()), **specs})
  learned = _from_json(str(arrays.pop(_LEARNED)[()]), path)
  restore_controller_state(controller, arrays)
  return learned


def _to_json(learned: Learned) -> str:
  rounds = [(n, [(a, origin.to_json()) for a, origin in proposals]) for n, proposals in learned.rounds.items()]
  return json.dumps(
    {
      "rounds": rounds,
      "num_fits": learned.num_fits,
      "temperature": learned.temperature,
      "num_scored_when_fresh": learned.num_scored_when_fresh,
      "predictions": [(a, prediction.to_json()) for a, prediction in learned.predictions.items()],
    }
  )


def _from_json(text: str, path: str) -> Learned:
  required, optional = ("rounds", "num_fits", "temperature"), ("num_scored_when_fresh", "predictions")
  row = fields.members(parse_json(text.encode(), path), path, required, optional)
  num_scored = fields.integer(row.get("num_scored_when_fresh", 0), "num_scored_when_fresh", 0)
  num_fits = fields.integer(row["num_fits"], "num_fits", 0)
  temperature = fields.number(row["temperature"], "temperature", 1.0, MAX_TEMPERATURE)
  rounds = dict(_read_round(round_) for round_ in fields.elements(row["rounds"], "rounds"))
  predictions = dict(map(_read_prediction, fields.elements(row.get("predictions", []), "predictions")))
  return Learned(rounds, num_fits, temperature, num_scored, predictions)


def _read_round(row: Any) -> tuple[int, list[Proposal]]:
  """Returns a round as it is written: how many were asked for before it, and its proposals."""
  number, proposals = fields.elements(row, "a round", 2)
  pairs = (fields.elements(pair, "a proposal", 2) for pair in fields.elements(proposals, "the proposals of a round"))
  round_ = [(fields.integers(architecture, "architecture"), read_origin(origin)) for architecture, origin in pairs]
  return fields.integer(number, "the number of a round", 0), round_


def _read_prediction(row: Any) -> tuple[Architecture, Prediction]:
  """Returns an architecture and its prediction as they are written."""
  architecture, prediction = fields.elements(row, "a prediction", 2)
  if not isinstance(prediction, Mapping):  # Before there were intervals.
    prediction = dict(zip(("score", "asked_before"), fields.elements(prediction, "a prediction", 2)))
  return fields.integers(architecture, "architecture"), Prediction.from_json(prediction)
