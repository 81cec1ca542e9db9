"""Searches in processes of their own that are killed within an epoch, next to one that is not: the same bits."""

import os
import pathlib
import signal
import subprocess
import sys

import pytest

from nao_tf.runs.shares import read_shares
from tests.support.told import figures

ROOT = pathlib.Path(__file__).parents[3]

PROGRAM = """
import sys
from nao_tf.training.determinism import make_deterministic
directory, name, step, number = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
make_deterministic()
from nao_tf.searches.one_shot.running import run_one_shot_search
from nao_tf.supernets.relaxed.config import PRESETS
from tests.supernets.relaxed import test_relaxed_trainer as relaxed
from tests.supernets.sampling import test_trainer as sampling
from tests.support.told import told

trainer = sampling.text_trainer() if name == "enas" else relaxed.make_trainer(PRESETS[name])
space = sampling.CELLS if name == "enas" else relaxed.SPACE
told(trainer, step, number)
run_one_shot_search(directory, {"name": name}, space, trainer, tensorboard=False)
"""


def start(directory, name, step=-1, number=0):
  """Runs a search that gets a signal after a step; returns how its process ended."""
  environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "2"}
  command = [sys.executable, "-c", PROGRAM, str(directory), name, str(step), str(int(number))]
  return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False).returncode


def record(directory):
  """Returns all that a search has on record but its times."""
  return figures(directory), read_shares(str(directory))


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.parametrize(("name", "steps"), [("darts", (1, 3)), ("enas", (17, 25))])
def test_a_search_that_is_killed_ends_with_the_same_bits(tmp_path, name, steps):
  """The first time it can write a checkpoint at the step, the second time it cannot, and goes back."""
  whole, cut = tmp_path / "whole", tmp_path / "cut"
  assert start(whole, name) == 0
  assert start(cut, name, steps[0], signal.SIGINT) != 0
  assert start(cut, name, steps[1], signal.SIGKILL) == -signal.SIGKILL
  assert start(cut, name) == 0
  assert record(cut) == record(whole)
