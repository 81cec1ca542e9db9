import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from nao_tf.training.distribution import agreed, gathered, make_distribution

ROOT = pathlib.Path(__file__).parent.parent.parent

# What a process prints that trains the tiny network for an epoch, under each number of replicas: the largest first, for
# the CPU is divided once. One replica needs no graphs. In double precision no rounding error moves a ReLU
# over its kink, so that trainings under one and under several replicas can be compared digit by digit.
# Last comes why a batch cannot be divided.
PROGRAM = """
import dataclasses, json, sys
import tensorflow as tf
from tensorflow import keras
from nao_tf.training.distribution import make_distribution
precision, optimizer, mixed_precision = sys.argv[1:]
distributions = {replicas: make_distribution(replicas) for replicas in (2, 1)}
keras.backend.set_floatx(precision)
from tests.support.image_cases import NETWORK, TRAINING
from nao_tf.networks.image_network import image_network
from nao_tf.spaces.genotypes import Branch, Cell, CellGenotype, Node
from nao_tf.tasks import make_task
from nao_tf.training.batch_trainer import BatchTrainer
cell = Cell((Node(Branch("max3x3", 1), Branch("identity", 0)),))
task = make_task("digits", train_examples=256)
config = dataclasses.replace(TRAINING, epochs=1, evaluation_batch_size=101, optimizer=optimizer, learning_rate=0.01)
config = dataclasses.replace(config, mixed_precision=mixed_precision)
config = task.complete_training_config(config)

def train(replicas, distribution):
  # In double precision one replica synchronizes too, so that both compute the statistics in the same way.
  synchronized = dataclasses.replace(NETWORK, synchronized_norm=replicas > 1 or precision == "float64")
  tf.config.run_functions_eagerly(replicas == 1)
  with distribution.scope():
    network = image_network(CellGenotype(cell, cell), synchronized, num_classes=10, image_shape=(8, 8, 1), seed=3)
  trainer = BatchTrainer(task, network, config, distribution=distribution, seed=3)
  history = list(trainer.fit())
  counts = {"replicas": distribution.num_replicas_in_sync, "steps": trainer.num_steps_done}
  return {**counts, "test": trainer.evaluate("test"), **history[0]}, network

(two, network), (one, _) = (train(*pair) for pair in distributions.items())
try:
  BatchTrainer(task, network, dataclasses.replace(config, batch_size=63), distribution=distributions[2], seed=3)
except ValueError as error:
  print(json.dumps([one, two, str(error)]))
"""


def train_under_one_and_two(precision="float64", optimizer="SGD", mixed_precision="none"):
  return printed(PROGRAM, precision, optimizer, mixed_precision)


def printed(program, *arguments):
  """Returns what a program prints last, from JSON."""
  environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "2"}
  command = [sys.executable, "-c", program, *arguments]
  process = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
  assert process.returncode == 0, process.stderr[-3000:]
  return json.loads(process.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def with_sgd():
  return train_under_one_and_two()


@pytest.mark.parametrize("optimizer", ["SGD", pytest.param("Adam", marks=pytest.mark.slow)])
def test_a_training_under_two_replicas_is_the_training_under_one(with_sgd, optimizer):
  one, two, _ = with_sgd if optimizer == "SGD" else train_under_one_and_two(optimizer=optimizer)
  assert (one["replicas"], two["replicas"]) == (1, 2)
  assert one["steps"] == two["steps"] == 4
  for name in ("train_loss", "valid_loss", "valid_accuracy"):
    assert two[name] == pytest.approx(one[name], rel=1e-7), name
  assert two["test"] == pytest.approx(one["test"], rel=1e-7)


@pytest.mark.slow
def test_in_single_precision_two_replicas_train_as_one_up_to_rounding():
  one, two, _ = train_under_one_and_two("float32")
  assert two["train_loss"] == pytest.approx(one["train_loss"], rel=1e-2)
  assert two["valid_loss"] == pytest.approx(one["valid_loss"], rel=5e-2)


@pytest.mark.slow
@pytest.mark.parametrize("mixed_precision", ["bfloat16", "float16"])
def test_in_half_precision_two_replicas_train_as_one_up_to_rounding(mixed_precision):
  one, two, _ = train_under_one_and_two("float32", mixed_precision=mixed_precision)
  assert one["steps"] == two["steps"] == 4
  assert two["train_loss"] == pytest.approx(one["train_loss"], rel=3e-2)
  assert two["valid_loss"] == pytest.approx(one["valid_loss"], rel=1e-1)


def test_one_device_needs_no_replicas():
  if tf.config.list_physical_devices("GPU"):
    pytest.skip("there are GPUs")
  assert make_distribution() is make_distribution(1) is tf.distribute.get_strategy()


def test_no_replicas_are_refused():
  with pytest.raises(ValueError, match="num_replicas must be at least 1, or None for all devices, got 0"):
    make_distribution(0)


def test_the_cpu_cannot_be_divided_once_it_is_used():
  tf.zeros([1])
  with pytest.raises(RuntimeError, match="cannot divide the CPU into 2 devices: TensorFlow already uses it as 1"):
    make_distribution(2)


def test_a_batch_must_be_divisible_among_the_replicas(with_sgd):
  assert "a batch of 63 cannot be divided among 2 replicas" in with_sgd[2]


def test_one_process_has_its_own_rows_and_its_own_number():
  strategy = tf.distribute.get_strategy()
  np.testing.assert_array_equal(gathered(tf.constant([[1.0], [2.0]]), strategy), [[1.0], [2.0]])
  assert agreed(0.1, strategy) == 0.1


WITHIN_EPOCH = """
import json, tempfile
import tensorflow as tf
from nao_tf.training.distribution import make_distribution
distribution = make_distribution(2)
from nao_tf.tasks import make_task
from nao_tf.training.determinism import make_deterministic
from nao_tf.training.training_directory import TrainingDirectory
from tests.support.image_cases import make_trainer, without_seconds
from tests.support.told import told
make_deterministic()
tf.config.run_functions_eagerly(True)
task = make_task("digits", train_examples=256)


def trained(*steps):
  directory, stopped = tempfile.mkdtemp(), []
  for step in (*steps, None):
    trainer = told(make_trainer(task=task, distribution=distribution), step)
    try:
      history = TrainingDirectory(directory, trainer, tensorboard=False).fit()
    except KeyboardInterrupt:
      stopped.append(trainer.num_steps_done)
  return stopped, without_seconds(history), trainer.evaluate("test")


print(json.dumps([trained(), trained(1, 6)]))
"""


@pytest.mark.slow
def test_a_training_under_two_replicas_that_is_stopped_within_its_epochs_goes_on_to_the_same_metrics():
  """Each replica takes the statistics of batch norm for itself; evaluations and checkpoints have those of the first."""
  whole, resumed = printed(WITHIN_EPOCH)
  assert resumed[0] == [1, 6] and len(whole[1]) == 2 and resumed[1:] == whole[1:]
