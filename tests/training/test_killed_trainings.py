"""A training that is killed again and again, at random moments, next to one that is not."""

import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import pytest

from tests.support.image_cases import GENOTYPE_FILE

ROOT = pathlib.Path(__file__).parent.parent.parent
KILLS = 20
FLAGS = (
  *(f"--architecture={GENOTYPE_FILE}", "--num_cells=1", "--filters=4", "--noauxiliary", "--batch_size=32"),
  *("--drop_path_keep=0.9", "--epochs=100", "--validation_fraction=0.2", "--tensorboard=none"),
)


def start(workdir, *argv):
  command = [sys.executable, "-m", "nao_tf.tools.train", f"--workdir={workdir}", *FLAGS, *argv]
  environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "2"}
  return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def newest(workdir):
  """Returns the number of the newest checkpoint, that of its step."""
  numbers = [int(path.stem.split("-")[1]) for path in (workdir / "checkpoints").glob("*.index")]
  return max(numbers, default=0)


def kill_at_random(workdir, rng, number, *argv):
  """Starts a training and kills it a random time after its first checkpoint; returns the step it has come to."""
  before, process = newest(workdir), start(workdir, *argv)
  deadline = time.monotonic() + 200
  while newest(workdir) == before and process.poll() is None and time.monotonic() < deadline:
    time.sleep(0.02)
  time.sleep(rng.random() * 1.5)
  process.send_signal(number)
  _, errors = process.communicate()
  assert process.returncode in (143, -signal.SIGKILL), errors
  return newest(workdir)


def history(workdir):
  lines = (workdir / "history.jsonl").read_text().splitlines()
  return [{name: value for name, value in json.loads(line).items() if name != "seconds"} for line in lines]


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["deterministic", "nodeterministic"])
def test_a_training_that_is_killed_twenty_times_equals_one_that_is_not(tmp_path, mode):
  rng, whole, killed = random.Random(0), tmp_path / "whole", tmp_path / "killed"
  process = start(whole, f"--{mode}")
  _, errors = process.communicate()
  assert process.returncode == 0, errors
  steps = []
  for i in range(KILLS):
    number = signal.SIGTERM if i % 2 else signal.SIGKILL
    steps.append(kill_at_random(killed, rng, number, f"--{mode}", "--checkpoint_steps=5"))
  process = start(killed, f"--{mode}", "--checkpoint_steps=5")
  _, errors = process.communicate()
  assert process.returncode == 0, errors
  ours, theirs = history(killed), history(whole)
  print(f"{mode}: killed at the steps {steps}; {ours[-1]} after kills, {theirs[-1]} without")
  assert steps == sorted(steps) and [m["epoch"] for m in ours] == [m["epoch"] for m in theirs]
  if mode == "deterministic":
    assert ours == theirs
  else:
    assert ours[-1]["train_loss"] == pytest.approx(theirs[-1]["train_loss"], abs=0.2)
