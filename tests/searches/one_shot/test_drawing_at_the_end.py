"""The driver with a search that draws architectures when its training has ended, as those that sample paths do."""

import math

import numpy as np
import pytest
import tensorflow as tf

from nao_tf.runs.journal import read_trials
from nao_tf.runs.shares import Shares, read_shares
from nao_tf.searches.one_shot.running import finalists, run_one_shot_search
from nao_tf.searches.reading import load
from nao_tf.searches.search_directory import NothingFound
from nao_tf.tasks.base import Configs
from nao_tf.training.base import Diverged
from nao_tf.training.config import TrainingConfig
from tests.supernets.relaxed.test_relaxed_trainer import SPACE
from tests.support.array_source import array_task

ARCHITECTURES = [SPACE.sample(np.random.default_rng(seed)) for seed in range(5)]
CONFIGS = Configs(None, TrainingConfig(epochs=2))


class Drawing:
  """Derives the first architectures and draws the others; their accuracy grows, the last one's is the lowest."""

  resumes_within_epochs = True
  training_config = CONFIGS.training_config
  steps_per_epoch = 1
  accuracies = (0.5, 0.6, 0.7, 0.9, 0.1)

  def __init__(self, dies_at=None, diverges_at=None):
    self.task = array_task((np.zeros((8, 8, 8, 1), np.uint8), np.arange(8) % 2))
    self.epoch = tf.Variable(0, dtype=tf.int64, trainable=False)
    self.dies_at, self.diverges_at = dies_at, diverges_at

  @property
  def num_steps_done(self):
    return int(self.epoch)

  @property
  def state(self):
    return {"epoch": self.epoch}

  def fit(self, *, on_step=lambda: None):
    for number in range(int(self.epoch) + 1, 3):
      if number == self.diverges_at:
        raise Diverged(number, 1, math.nan)
      self.epoch.assign(number)
      on_step()
      yield {"epoch": number, "train_loss": 1.0, "entropy": 0.5, **self._scores(number - 1), "seconds": 0.0}

  def architecture(self):
    return ARCHITECTURES[int(self.epoch) - 1]

  def shares(self):
    return [Shares("controller", "first", ("a", "b"), (0.25, 0.75))]

  def drawn(self):
    for number in (2, 3, 4):
      if number == self.dies_at:
        raise KeyboardInterrupt
      yield ARCHITECTURES[number], self._scores(number)

  def _scores(self, number):
    return {"valid_accuracy": self.accuracies[number], "valid_loss": 1.0}


def search(directory, **options):
  return run_one_shot_search(str(directory), {"seed": 0}, SPACE, Drawing(**options), tensorboard=False)


@pytest.mark.parametrize("dies_at", [None, 3])
def test_the_best_that_is_drawn_wins_and_a_killed_search_draws_no_more_than_is_missing(tmp_path, dies_at):
  if dies_at:
    with pytest.raises(KeyboardInterrupt):
      search(tmp_path, dies_at=dies_at)
    assert len(read_trials(str(tmp_path))) == 3
  winner = search(tmp_path)
  trials = read_trials(str(tmp_path))
  assert [trial.origin.kind for trial in trials] == ["derived"] * 2 + ["drawn"] * 3
  assert [trial.reward for trial in trials] == list(Drawing.accuracies)
  assert winner == load(tmp_path).best == trials[3]
  assert [trial.id for trial in finalists(trials, SPACE, 2)] == [3, 2]
  assert list(read_shares(str(tmp_path))) == [1, 2]


def test_an_epoch_without_a_reward_has_failed(tmp_path, monkeypatch):
  monkeypatch.setattr(Drawing, "accuracies", (0.5, math.nan, 0.7, 0.9, 0.1))
  search(tmp_path)
  assert read_trials(str(tmp_path))[1].evaluation.metrics["reason"] == "the reward is nan"


def test_after_a_divergence_nothing_is_drawn_and_the_last_epoch_wins(tmp_path):
  assert search(tmp_path / "late", diverges_at=2).id == 0
  with pytest.raises(NothingFound, match="before its first epoch was complete"):
    search(tmp_path / "early", diverges_at=1)
