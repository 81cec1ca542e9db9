import dataclasses
import json
import signal
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from nao_tf.networks.language_model import Features
from nao_tf.spaces.genotypes import LstmGenotype
from nao_tf.tasks import trainers
from nao_tf.training.base import Diverged
from nao_tf.training.language_trainer import activation_penalty
from nao_tf.training.training_directory import TrainingDirectory
from tests.support.toy_text import GENOTYPE, NETWORK, TRAINING, toy_task


def make_trainer(seed=0, network=NETWORK, genotype=GENOTYPE, **changes):
  config = dataclasses.replace(TRAINING, **changes)
  distribution = tf.distribute.get_strategy()
  return trainers.make_trainer(toy_task(), genotype, network, config, distribution=distribution, seed=seed)


def without_time(metrics):
  return {name: value for name, value in metrics.items() if name != "seconds"}


def values(trainer):
  return [np.array(tf.convert_to_tensor(v)) for v in trainer.network.trainable_variables]


def test_activation_penalties_by_hand():
  # Outputs over time 1, 3, 2 with differences 2 and -1; dropout kept the first and doubled it.
  features = Features(tf.constant([[[1.0]], [[3.0]], [[2.0]]]), tf.constant([[[2.0]], [[0.0]], [[0.0]]]), None)
  config = dataclasses.replace(TRAINING, activation_weight=0.5, temporal_activation_weight=0.1)
  assert float(activation_penalty(features, config)) == pytest.approx(0.5 * 4 / 3 + 0.1 * (4 + 1) / 2)
  assert float(activation_penalty(Features(*(x[:1] for x in features[:2]), None), config)) == pytest.approx(0.5 * 4)


def test_a_step_clips_then_decays_and_scales_the_rate_by_the_length():
  config = {
    "segment_length": 8,
    "segment_deviation": 0.0,
    "short_segments": 0.0,
    "clip_norm": 0.05,
    "weight_decay": 0.01,
  }
  trainer = make_trainer(network=NETWORK.without_dropout(), temporal_activation_weight=0.3, **config)
  before, (inputs, targets) = values(trainer), toy_task().training_streams(TRAINING.batch_size)
  length = 6
  with tf.GradientTape() as tape:
    features = trainer.network.features(tf.constant(inputs[:, 8 : 8 + length]), training=True)
    loss = tf.reduce_mean(trainer.network.token_losses(features, tf.constant(targets[:, 8 : 8 + length])))
    total = loss + 0.3 * tf.reduce_mean(tf.square(features.outputs[1:] - features.outputs[:-1]))
  gradients = [tf.convert_to_tensor(g).numpy() for g in tape.gradient(total, trainer.network.trainable_variables)]
  norm = np.sqrt(sum(np.sum(g**2) for g in gradients))
  assert norm > 0.05
  trainer.optimizer.learning_rate = TRAINING.learning_rate * length / 8
  reported = float(trainer._train_step(tf.constant(8), tf.constant(length)))
  assert reported == pytest.approx(float(loss), rel=1e-5)
  for new, old, gradient in zip(values(trainer), before, gradients):
    expected = old - 5.0 * 6 / 8 * (gradient * 0.05 / norm + 0.01 * old)
    np.testing.assert_allclose(new, expected, rtol=1e-4, atol=1e-6)


@pytest.fixture(scope="module")
def stalled():
  """A training so long for so small a text that the validation loss stalls, and its history."""
  trainer = make_trainer(epochs=14, segment_length=6, learning_rate=8.0)
  return trainer, list(trainer.fit())


def test_training_learns_the_text(stalled):
  _, history = stalled
  assert history[-1]["train_loss"] < history[0]["train_loss"] - 0.3


def test_averaging_begins_when_the_validation_loss_stalls(stalled):
  trainer, history = stalled
  flags, losses = ([metrics[name] for metrics in history] for name in ("averaging", "valid_loss"))
  first = next(i for i in range(len(losses)) if i > 1 and losses[i] > min(losses[: i - 1]))
  assert flags == [0.0] * (first + 1) + [1.0] * (len(losses) - first - 1)
  assert 0 < trainer._average.count.numpy() < trainer.num_steps_done


def test_averaging_begins_with_a_given_epoch_at_the_latest():
  trainer = make_trainer(averaging_patience=0, averaging_epoch=2)
  assert [metrics["averaging"] for metrics in trainer.fit()] == [0.0, 1.0, 1.0]
  assert trainer._average.count.numpy() == trainer.num_steps_done - trainer.steps_per_epoch


def test_after_training_the_network_has_the_best_weights(stalled):
  trainer, history = stalled
  best = min(metrics["valid_loss"] for metrics in history)
  assert trainer.evaluate("valid")["loss"] == pytest.approx(best, rel=1e-6)


def test_an_epoch_without_learning_has_the_loss_of_one_long_pass():
  trainer = make_trainer(network=NETWORK.without_dropout(), epochs=1, learning_rate=1e-20, weight_decay=0.0)
  before = trainer.evaluate("train")["loss"]
  inputs, targets = map(tf.constant, toy_task().training_streams(TRAINING.batch_size))
  whole = tf.reduce_mean(trainer.network.token_losses(trainer.network.features(inputs), targets))
  (metrics,) = trainer.fit()
  assert metrics["train_loss"] == pytest.approx(float(whole), rel=1e-5)
  assert trainer.num_steps_done > 3
  assert before > 0


def test_evaluation_counts_every_token_once_whatever_the_streams():
  trainer = make_trainer(network=NETWORK.without_dropout())
  tokens, end = toy_task().tokens("test"), toy_task().vocabulary.end
  inputs = np.concatenate([[end], tokens[:-1]])[None]
  losses = trainer.network.token_losses(trainer.network.features(tf.constant(inputs)), tf.constant(tokens[None]))
  metrics = trainer.evaluate("test")
  assert len(tokens) == 12 * 5
  assert metrics["loss"] == pytest.approx(float(tf.reduce_mean(losses)), rel=1e-5)
  assert metrics["perplexity"] == pytest.approx(np.exp(metrics["loss"]))


def test_a_training_killed_within_an_epoch_goes_on_as_if_nothing_had_happened(tmp_path):
  # Averaging begins after the first epoch, so that the checkpoint has everything in it.
  whole = make_trainer(epochs=3)
  whole._average.start()
  expected = [without_time(metrics) for metrics in whole.fit()]

  class Killed(Exception):
    pass

  killed = make_trainer(epochs=3)
  killed._average.start()
  steps = []

  def on_step():
    steps.append(None)
    if len(steps) == killed.steps_per_epoch + 3:
      tf.train.Checkpoint(**killed.state).write(str(tmp_path / "checkpoint"))
      raise Killed

  with pytest.raises(Killed):
    list(killed.fit(on_step=on_step))
  resumed = make_trainer(epochs=3)
  tf.train.Checkpoint(**resumed.state).read(str(tmp_path / "checkpoint")).assert_existing_objects_matched()
  assert resumed.num_steps_done == len(steps)
  assert [without_time(metrics) for metrics in resumed.fit()] == expected[1:]
  for ours, theirs in zip(values(resumed), values(whole)):
    np.testing.assert_array_equal(ours, theirs)


class Dying:
  """A trainer that dies after so many steps."""

  def __init__(self, trainer, num_steps):
    self._trainer, self._rest = trainer, num_steps

  def __getattr__(self, name):
    return getattr(self._trainer, name)

  def fit(self, *, on_step):
    def step():
      on_step()
      self._rest -= 1
      if not self._rest:
        raise KeyboardInterrupt

    return self._trainer.fit(on_step=step)


def test_a_directory_goes_on_within_an_epoch(tmp_path):
  expected = [without_time(metrics) for metrics in TrainingDirectory(str(tmp_path / "whole"), make_trainer()).fit()]
  first = make_trainer()
  with pytest.raises(KeyboardInterrupt):
    TrainingDirectory(str(tmp_path / "cut"), Dying(first, first.steps_per_epoch + 3), checkpoint_seconds=0.0).fit()
  second = make_trainer()
  directory = TrainingDirectory(str(tmp_path / "cut"), second)
  assert second.num_steps_done == first.num_steps_done == first.steps_per_epoch + 3
  assert [without_time(metrics) for metrics in directory.fit()] == expected
  assert len(expected) == TRAINING.epochs


def test_what_is_exported_within_a_training_are_the_best_weights_so_far():
  trainer = make_trainer()
  best = next(trainer.fit())["valid_loss"]
  for _ in range(3):
    trainer._train_step(tf.constant(0), tf.constant(10))
  trainer.restore_best()
  assert trainer.evaluate("valid")["loss"] == pytest.approx(best, rel=1e-6)


def test_the_seed_determines_weights_and_segments():
  first, second, other = (make_trainer(seed) for seed in (1, 1, 2))
  assert first._lengths(0) == second._lengths(0) != other._lengths(0) != other._lengths(1)
  for same, new in zip(values(first), values(second)):
    np.testing.assert_array_equal(same, new)
  assert any(np.any(same != new) for same, new in zip(values(first), values(other)))


def test_a_loss_that_is_no_number_ends_the_training():
  trainer = make_trainer(learning_rate=1e38, clip_norm=0.0)
  with pytest.raises(Diverged, match="in epoch 1, step"):
    list(trainer.fit())


def test_streams_that_cannot_be_divided_are_refused():
  with pytest.raises(ValueError, match="a text of 300 tokens cannot be divided into 301 streams"):
    make_trainer(batch_size=301)


def test_an_lstm_is_trained_the_same_way_also_without_averaging():
  trainer = make_trainer(genotype=LstmGenotype(), averaging_patience=0)
  history = list(trainer.fit())
  assert history[-1]["train_loss"] < history[0]["train_loss"]
  assert {metrics["averaging"] for metrics in history} == {0.0}


KILLED = """
import os, signal, sys
import tensorflow as tf
from nao_tf.training.determinism import make_deterministic
from nao_tf.training.training_directory import TrainingDirectory
from tests.training.test_language_trainer import make_trainer
make_deterministic()
tf.keras.utils.set_random_seed(0)
directory = TrainingDirectory(sys.argv[1], make_trainer(), checkpoint_seconds=0.0)
rest = int(sys.argv[2])
on_step = directory._on_step
def dying(*arguments):
  global rest
  on_step(*arguments)
  rest -= 1
  if not rest:
    os.kill(os.getpid(), signal.SIGKILL)
directory._on_step = dying
directory.fit()
"""


@pytest.mark.slow
def test_processes_killed_within_epochs_are_continued_to_the_same_bits(tmp_path):
  def run(directory, num_steps):
    command = [sys.executable, "-c", KILLED, str(tmp_path / directory), str(num_steps)]
    return subprocess.run(command, capture_output=True, check=False).returncode

  assert run("whole", -1) == 0
  assert [run("killed", 5), run("killed", 7), run("killed", -1)] == [-signal.SIGKILL, -signal.SIGKILL, 0]
  histories = ((tmp_path / name / "history.jsonl").read_text().splitlines() for name in ("whole", "killed"))
  whole, killed = ([without_time(json.loads(line)) for line in lines] for lines in histories)
  assert whole == killed and len(whole) == TRAINING.epochs


PROGRAM = """
from nao_tf.tasks.trainers import make_trainer
from nao_tf.training.distribution import make_distribution
from tests.support.toy_text import *
distribution = make_distribution({replicas})
trainer = make_trainer(toy_task(), GENOTYPE, NETWORK.without_dropout(), TRAINING, distribution=distribution, seed=0)
trainer._average.start()
for metrics in trainer.fit():
  print("result", *(round(metrics[name], 4) for name in ("train_loss", "valid_loss")), trainer.num_steps_done)
"""


@pytest.mark.slow
def test_two_replicas_train_like_one_device():
  outputs = [
    subprocess.run(
      [sys.executable, "-c", PROGRAM.format(replicas=n)], capture_output=True, text=True, check=True
    ).stdout
    for n in (1, 2)
  ]
  results = [[[float(x) for x in line.split()[1:]] for line in out.splitlines() if "result" in line] for out in outputs]
  assert len(results[0]) == TRAINING.epochs
  np.testing.assert_allclose(*results, atol=2e-4)
