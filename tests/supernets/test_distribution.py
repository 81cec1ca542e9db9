"""Shared weights under several replicas, in processes of their own: logical devices cannot be made later."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parent.parent.parent

LANGUAGE = """
import json, sys
from nao_tf.training.distribution import make_distribution
distribution = make_distribution(int(sys.argv[1]))
from tests.supernets.test_recurrent_supernet_trainer import *
from tests.support.toy_text import toy_task
training = dataclasses.replace(TRAINING, mixed_precision=sys.argv[2])
trainer = make_supernet_trainer(toy_task(), SPACE, NETWORK, training, SHARING, distribution=distribution, seed=3)
trainer.start_round(sample(4), 2)
losses = [metrics["train_loss"] for metrics in trainer.fit()]
print(json.dumps([*losses, *(trainer.score(architecture)["loss"] for architecture in sample(2))]))
"""

IMAGES = """
import dataclasses, json, sys
from nao_tf.training.distribution import make_distribution
distribution = make_distribution(int(sys.argv[1]))
from tests.support.shared_cases import *
training = dataclasses.replace(TRAINING, mixed_precision=sys.argv[2])
trainer = make_trainer(training=training, distribution=distribution)
trainer.start_round(sample(4), 2)
losses = [metrics["train_loss"] for metrics in trainer.fit()]
copies = [copy.numpy() for copy in distribution.experimental_local_results(trainer.weights.vector)]
assert len(copies) == int(sys.argv[1]) and all((copy == copies[0]).all() for copy in copies)
score = trainer.score(sample(1)[0])
print(json.dumps([*losses, score["loss"], score["accuracy"]]))
"""


def run(program, replicas, precision="none"):
  """Returns the numbers that a program prints under so many replicas."""
  environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "2"}
  command = [sys.executable, "-c", program, str(replicas), precision]
  process = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
  assert process.returncode == 0, process.stderr[-3000:]
  return json.loads(process.stdout.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.parametrize(("precision", "rel"), [("none", 1e-4), ("bfloat16", 0.05), ("float16", 0.01)])
def test_language_models_train_and_score_under_two_replicas_as_under_one(precision, rel):
  assert run(LANGUAGE, 2, precision) == pytest.approx(run(LANGUAGE, 1, precision), rel=rel)


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["none", "bfloat16", "float16"])
def test_image_networks_train_under_two_replicas_which_stay_equal(precision):
  """Batch norm sees half a batch in each, so losses differ a little."""
  one, two = run(IMAGES, 1, precision), run(IMAGES, 2, precision)
  assert two[:2] == pytest.approx(one[:2], rel=0.2)
  found = two[3] * 144  # Every validation image counts once.
  assert found == pytest.approx(round(found), abs=1e-3)
