"""A training that is interrupted twenty times, at random steps, next to one that is not."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parent.parent.parent

PROGRAM = """
import dataclasses, json, random, signal, sys
from absl import logging
directory, mode = sys.argv[1:]
if mode == "deterministic":
  from nao_tf.training.determinism import make_deterministic
  make_deterministic()
from nao_tf.training.training_directory import TrainingDirectory
from tests.support.image_cases import NETWORK, TRAINING, make_trainer, without_seconds

logging.set_verbosity(logging.WARNING)
config = dataclasses.replace(TRAINING, epochs=12, average_weights="ema", average_decay=0.9)
network = dataclasses.replace(NETWORK, drop_path_keep=0.8, dropout_keep=0.8)
fresh = lambda: make_trainer(config, network)
rng = random.Random(0)


class Killed(BaseException):
  pass


class Interrupted:
  def __init__(self, trainer, num_steps, end):
    self.__dict__.update(trainer=trainer, rest=num_steps, end=end)

  def __getattr__(self, name):
    return getattr(self.trainer, name)

  def fit(self, *, on_step):
    def step():
      on_step()
      self.__dict__["rest"] -= 1
      if not self.rest:
        self.end()
    return self.trainer.fit(on_step=step)


def kill():
  raise Killed  # Nothing is written any more, as with SIGKILL.


def stopped(number, frame):
  raise Killed


signal.signal(signal.SIGTERM, stopped)
whole = TrainingDirectory(directory + "/whole", fresh(), tensorboard=False).fit()
steps = []
for i in range(20):
  trainer = fresh()
  end = kill if i % 2 else lambda: signal.raise_signal(signal.SIGTERM)
  interrupted = Interrupted(trainer, rng.randint(6, 12), end)
  try:
    TrainingDirectory(directory + "/killed", interrupted, checkpoint_steps=5, tensorboard=False).fit()
  except Killed:
    steps.append(trainer.num_steps_done)
last = fresh()
killed = TrainingDirectory(directory + "/killed", last, tensorboard=False).fit()
print(json.dumps({"steps": steps, "whole": without_seconds(whole), "killed": without_seconds(killed)}))
"""


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("mode", ["deterministic", "nodeterministic"])
def test_a_training_that_is_interrupted_twenty_times_equals_one_that_is_not(tmp_path, mode):
  environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "2"}
  command = [sys.executable, "-c", PROGRAM, str(tmp_path), mode]
  process = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
  assert process.returncode == 0, process.stderr[-3000:]
  found = json.loads(process.stdout.splitlines()[-1])
  killed, whole = found["killed"], found["whole"]
  print(f"{mode}: interrupted at the steps {found['steps']}\n  last epoch {killed[-1]}\n  without {whole[-1]}")
  assert len(found["steps"]) == 20 and [m["epoch"] for m in killed] == [m["epoch"] for m in whole]
  if mode == "deterministic":
    assert killed == whole
  else:
    assert killed[-1]["train_loss"] == pytest.approx(whole[-1]["train_loss"], abs=0.3)
