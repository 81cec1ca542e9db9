import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf

from nao_tf.runs.run_lock import RunDirectoryInUse, RunLock
from nao_tf.runs.settings import RunDirectoryError
from nao_tf.tasks import make_task
from nao_tf.training.base import Diverged
from nao_tf.training.training_directory import (
  CHECKPOINTS,
  HISTORY_FILE,
  TENSORBOARD,
  TrainingDirectory,
  has_begun,
  read_history,
  restore_network,
)
from tests.support import image_cases
from tests.support.events import scalars
from tests.support.image_cases import NETWORK, TRAINING, without_seconds
from tests.support.without_graphs import without_graphs

pytestmark = pytest.mark.usefixtures("no_graphs")


def make_trainer(training_config=TRAINING, network_config=NETWORK, *, train_examples=128, **options):
  """Returns a trainer of the tiny network on a few digits, 64 a step: 2 steps an epoch."""
  task = make_task("digits", train_examples=train_examples)
  return image_cases.make_trainer(training_config, network_config, task=task, **options)


def weights(trainer):
  return [np.array(tf.convert_to_tensor(weight)) for weight in trainer.network.weights]


@pytest.mark.parametrize("optimizer", ["SGD", "Adam"])
def test_an_interrupted_training_goes_on_as_if_it_had_not_been(tmp_path, no_graphs, optimizer):
  config = dataclasses.replace(TRAINING, epochs=3, optimizer=optimizer)
  network = dataclasses.replace(NETWORK, drop_path_keep=0.7, dropout_keep=0.8)
  whole = make_trainer(config, network)
  expected = TrainingDirectory(str(tmp_path / "whole"), whole).fit()
  interrupted = TrainingDirectory(str(tmp_path / "cut"), make_trainer(config, network))
  for metrics in interrupted._trainer.fit():
    interrupted._record(metrics)
    break
  with open(tmp_path / "cut" / HISTORY_FILE, "a", encoding="utf-8") as file:
    file.write('{"epoch": 2, "train_loss": 1.0}\n{"epoch": 3, "tr')
  resumed = make_trainer(config, network)
  directory = TrainingDirectory(str(tmp_path / "cut"), resumed)
  assert [metrics["epoch"] for metrics in directory.history] == [1]
  assert without_seconds(directory.fit()) == without_seconds(expected)
  for a, b in zip(weights(whole), weights(resumed)):
    np.testing.assert_array_equal(a, b)


def test_a_finished_training_is_not_trained_again(tmp_path):
  first = TrainingDirectory(str(tmp_path), make_trainer()).fit()
  assert TrainingDirectory(str(tmp_path), make_trainer()).fit() == first


def test_a_training_writes_scalars_for_tensorboard(tmp_path):
  TrainingDirectory(str(tmp_path), make_trainer(dataclasses.replace(TRAINING, epochs=1))).fit()
  (file,) = (tmp_path / TENSORBOARD).iterdir()
  tags = {value.tag for event in tf.compat.v1.train.summary_iterator(str(file)) for value in event.summary.value}
  assert {"train_loss", "valid_accuracy", "valid_loss"} <= tags


def test_the_curves_of_a_resumed_training_go_on_without_gaps_and_double_steps(tmp_path):
  config = dataclasses.replace(TRAINING, epochs=3, schedule="cosine", learning_rate=0.1)
  with TrainingDirectory(str(tmp_path), make_trainer(config)) as killed:
    epochs = killed._trainer.fit()
    killed._record(next(epochs))
    killed._events = None  # The second epoch is on record, but the process ends before it is shown.
    killed._record(next(epochs))
  with TrainingDirectory(str(tmp_path), make_trainer(config)) as resumed:
    history = resumed.fit()
  shown = scalars(tmp_path / TENSORBOARD)
  assert [step for step, _ in shown["train_loss"]] == [1, 2, 3]
  np.testing.assert_allclose([x for _, x in shown["train_loss"]], [metrics["train_loss"] for metrics in history], 1e-6)
  rates = dict(shown["learning_rate"])
  assert 0.1 > rates[1] > rates[3] >= 0


def test_the_last_epoch_is_shown_though_a_process_was_killed_before_it_did(tmp_path):
  config = dataclasses.replace(TRAINING, epochs=2)
  with TrainingDirectory(str(tmp_path), make_trainer(config)) as killed:
    epochs = killed._trainer.fit()
    killed._record(next(epochs))
    killed._events = None
    killed._record(next(epochs))
  for _ in range(2):
    with TrainingDirectory(str(tmp_path), make_trainer(config)) as finished:
      finished.fit()
    assert all([step for step, _ in curve] == [1, 2] for curve in scalars(tmp_path / TENSORBOARD).values())


def test_the_curves_go_back_with_a_training_that_does(trained, tmp_path):
  shutil.copytree(trained[0], tmp_path / "run")
  (newest,) = sorted((tmp_path / "run" / CHECKPOINTS).glob("*.index"))[1:]
  newest.unlink()
  with TrainingDirectory(str(tmp_path / "run"), make_trainer(FOUR)) as directory:
    directory.fit()
  assert [step for step, _ in scalars(tmp_path / "run" / TENSORBOARD)["train_loss"]] == [1, 2, 3, 4]


def test_nothing_is_written_for_tensorboard_if_nobody_wants_it(tmp_path):
  config = dataclasses.replace(TRAINING, epochs=1)
  TrainingDirectory(str(tmp_path), make_trainer(config), tensorboard=False).fit()
  assert not os.path.exists(tmp_path / TENSORBOARD)


def test_the_checkpoint_of_another_network_is_refused(tmp_path):
  TrainingDirectory(str(tmp_path), make_trainer(dataclasses.replace(TRAINING, epochs=1))).fit()
  other = make_trainer(network_config=dataclasses.replace(NETWORK, filters=6))
  with pytest.raises(ValueError, match="checkpoint was written with another network or optimizer"):
    TrainingDirectory(str(tmp_path), other)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
  """The directory of a training of four epochs, and its history."""
  directory = tmp_path_factory.mktemp("trained") / "run"
  with without_graphs():
    return directory, TrainingDirectory(str(directory), make_trainer(FOUR)).fit()


FOUR = dataclasses.replace(TRAINING, epochs=4)


def epochs(history):
  return [metrics["epoch"] for metrics in history]


def test_a_damaged_checkpoint_costs_the_epochs_since_the_one_before_and_no_more(trained, tmp_path, caplog):
  shutil.copytree(trained[0], tmp_path / "run")
  (newest,) = sorted((tmp_path / "run" / CHECKPOINTS).glob("*.index"))[1:]
  newest.write_bytes(newest.read_bytes()[:50])
  old = (tmp_path / "run" / HISTORY_FILE).read_bytes()
  with TrainingDirectory(str(tmp_path / "run"), make_trainer(FOUR)) as directory:
    assert epochs(directory.history) == [1, 2, 3]
    assert (tmp_path / "run" / f"{HISTORY_FILE}.1").read_bytes() == old
    assert str(newest).removesuffix(".index") in caplog.text and f"{HISTORY_FILE}.1" in caplog.text
    assert without_seconds(directory.fit()) == without_seconds(trained[1])
  assert epochs(read_history(str(tmp_path / "run"))) == [1, 2, 3, 4]


@pytest.mark.parametrize("damage", ["all garbled", "all gone", "directory gone"])
def test_a_history_without_a_whole_checkpoint_is_refused_and_stays(trained, tmp_path, damage):
  shutil.copytree(trained[0], tmp_path / "run")
  for file in (tmp_path / "run" / CHECKPOINTS).iterdir():
    if damage == "all garbled":
      file.write_bytes(b"garbage")
    else:
      file.unlink()
  if damage == "directory gone":
    (tmp_path / "run" / CHECKPOINTS).rmdir()
  old = (tmp_path / "run" / HISTORY_FILE).read_bytes()
  for _ in range(2):
    with pytest.raises(ValueError, match="no checkpoint is valid.* or delete this one"):
      TrainingDirectory(str(tmp_path / "run"), make_trainer(FOUR))
    assert (tmp_path / "run" / HISTORY_FILE).read_bytes() == old


def test_a_process_that_is_killed_before_its_first_checkpoint_is_there_begins_again(tmp_path):
  (tmp_path / CHECKPOINTS).mkdir()
  (tmp_path / HISTORY_FILE).write_text('{"epoch": 1, "train_loss": 1.0}\n')
  assert TrainingDirectory(str(tmp_path), make_trainer()).history == []


@pytest.mark.parametrize(
  "line",
  [
    "[]",
    "3",
    '{"train_loss": 1.0}',
    '{"epoch": "1"}',
    '{"epoch": true}',
    '{"epoch": 0}',
    '{"epoch": 1, "loss": null}',
    "x",
  ],
)
def test_a_line_of_the_history_that_is_not_that_of_an_epoch_is_named(tmp_path, line):
  (tmp_path / HISTORY_FILE).write_text('{"epoch": 1, "train_loss": NaN}\n' + line + "\n")
  with pytest.raises(ValueError, match=rf"{HISTORY_FILE}, line 2: not an epoch of a training"):
    TrainingDirectory(str(tmp_path), make_trainer())


def test_a_directory_is_written_by_one_process_at_a_time(tmp_path):
  with RunLock(str(tmp_path)) as lock:
    with pytest.raises(RunDirectoryInUse, match=f"process {os.getpid()} on"):
      TrainingDirectory(str(tmp_path), make_trainer())
    TrainingDirectory(str(tmp_path), make_trainer(), lock=lock).close()


def test_a_directory_in_which_another_has_trained_must_be_opened_again(tmp_path):
  config = dataclasses.replace(TRAINING, epochs=1)
  first, second = (TrainingDirectory(str(tmp_path), make_trainer(config)) for _ in range(2))
  second.fit()
  with pytest.raises(RunDirectoryError, match="another process has trained here"):
    first.fit()
  second.close()
  second.close()
  with pytest.raises(RunDirectoryError, match="was closed"):
    second.fit()
  assert epochs(read_history(str(tmp_path))) == [1]


def test_the_weights_of_the_last_checkpoint_are_restored_without_a_trainer(trained):
  fresh = make_trainer(FOUR, seed=9).network
  assert restore_network(str(trained[0]), fresh) == 4
  trainer = make_trainer(FOUR)
  TrainingDirectory(str(trained[0]), trainer).close()
  for a, b in zip(weights(trainer), [np.array(tf.convert_to_tensor(weight)) for weight in fresh.weights]):
    np.testing.assert_array_equal(a, b)


def test_a_directory_has_begun_when_there_is_an_epoch_or_a_checkpoint(trained, tmp_path):
  assert has_begun(str(trained[0])) and not has_begun(str(tmp_path)) and not has_begun(str(tmp_path / "nowhere"))
  (tmp_path / HISTORY_FILE).write_text("")
  assert not has_begun(str(tmp_path)) and restore_network(str(tmp_path), make_trainer().network) is None


class Told(Exception):
  pass


class Disturbed:
  """A trainer to which something happens after some of its steps."""

  def __init__(self, trainer, num_steps, happens):
    self._trainer, self._rest, self._happens = trainer, num_steps, happens
    self.between_evaluation_steps = None

  def __getattr__(self, name):
    return getattr(self._trainer, name)

  def fit(self, *, on_step):
    self._trainer.between_evaluation_steps = self.between_evaluation_steps

    def step():
      self._rest -= 1
      if not self._rest:
        self._happens()
      on_step()

    return self._trainer.fit(on_step=step)


class AlwaysDisturbed(Disturbed):
  """A trainer to which something happens before each of its trainings."""

  def __init__(self, trainer, happens):
    super().__init__(trainer, 0, lambda: None)
    self._happens_to_it = happens

  def fit(self, *, on_step):
    self._happens_to_it(self._trainer)
    return super().fit(on_step=on_step)


@pytest.fixture
def told(monkeypatch):
  """Lets SIGTERM raise Told; returns what sends it."""

  def tell(number, frame):
    raise Told

  before = signal.signal(signal.SIGTERM, tell)
  yield lambda: signal.raise_signal(signal.SIGTERM)
  signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("num_steps", [pytest.param(1, marks=pytest.mark.slow), 3, 4])
def test_a_training_that_is_told_to_end_goes_on_at_the_next_step(trained, tmp_path, told, num_steps):
  first, second = make_trainer(FOUR), make_trainer(FOUR)
  with pytest.raises(Told):
    TrainingDirectory(str(tmp_path), Disturbed(first, num_steps, told)).fit()
  directory = TrainingDirectory(str(tmp_path), second)
  assert second.num_steps_done == num_steps
  assert without_seconds(directory.fit()) == without_seconds(trained[1])


@pytest.mark.parametrize("num_steps", [3, 4])
def test_a_training_goes_on_if_what_handles_a_signal_returns(trained, tmp_path, num_steps):
  """A program may note the signal, or wait for a moment of its own to end."""
  heard = []
  before = signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number))
  try:
    trainer = Disturbed(make_trainer(FOUR), num_steps, lambda: signal.raise_signal(signal.SIGTERM))
    history = TrainingDirectory(str(tmp_path), trainer).fit()
  finally:
    signal.signal(signal.SIGTERM, before)
  assert heard == [signal.SIGTERM] and without_seconds(history) == without_seconds(trained[1])


def test_a_training_ends_within_an_evaluation(tmp_path, told):
  first, second = make_trainer(FOUR), make_trainer(FOUR)
  step = first._evaluation_step
  first._evaluation_step = lambda *batch: (told(), step(*batch))[1]
  with pytest.raises(Told):
    TrainingDirectory(str(tmp_path), first).fit()
  directory = TrainingDirectory(str(tmp_path), second)
  assert second.num_steps_done == second.steps_per_epoch and not directory.history
  first._evaluation_step = step
  history = directory.fit()
  assert epochs(history) == [1, 2, 3, 4]
  assert history[0]["train_loss"] == float(first.course.loss) / first.steps_per_epoch
  assert history[0]["valid_loss"] == pytest.approx(first.evaluate("valid")["loss"], rel=1e-6)


def poison(trainer):
  """Makes a weight of a trainer NaN."""
  trainer._flat.vector.assign(tf.fill(trainer._flat.vector.shape, float("nan")))


def test_a_training_goes_back_once_with_a_smaller_rate(tmp_path):
  config = dataclasses.replace(TRAINING, schedule="constant", learning_rate=0.05)
  trainer = make_trainer(config, train_examples=256)
  disturbed = Disturbed(trainer, 6, lambda: poison(trainer))
  history = TrainingDirectory(str(tmp_path), disturbed, checkpoint_steps=5, nan_rate_factor=0.5).fit()
  assert epochs(history) == [1, 2] and np.isfinite(history[-1]["train_loss"])
  assert trainer.learning_rate == pytest.approx(0.025)
  again = make_trainer(dataclasses.replace(config, epochs=3), train_examples=256)
  directory = TrainingDirectory(str(tmp_path), Disturbed(again, 3, lambda: poison(again)), nan_rate_factor=0.5)
  with pytest.raises(Diverged, match="the loss was nan in epoch 3"):
    directory.fit()


def test_a_training_goes_back_to_its_start_before_the_first_checkpoint(tmp_path):
  config = dataclasses.replace(TRAINING, schedule="constant", learning_rate=0.05)
  trainer = make_trainer(config, train_examples=256)
  disturbed = Disturbed(trainer, 2, lambda: poison(trainer))
  history = TrainingDirectory(str(tmp_path), disturbed, nan_rate_factor=0.5).fit()
  assert epochs(history) == [1, 2] and np.isfinite(history[-1]["train_loss"])
  assert trainer.learning_rate == pytest.approx(0.025)


def test_a_training_that_diverged_goes_on_with_a_smaller_factor(tmp_path):
  trainer = make_trainer()
  directory = TrainingDirectory(str(tmp_path), Disturbed(trainer, 2, lambda: poison(trainer)), nan_rate_factor=0.0)
  with pytest.raises(Diverged) as error:
    directory.fit()
  assert error.value.rate_factor is None  # There is no checkpoint to go back to.
  for factor, expected in ((1.0, 1.0), (1.0, 1.0), (0.25, 0.25)):
    trainer = make_trainer()
    with pytest.raises(Diverged) as error:
      TrainingDirectory(str(tmp_path), AlwaysDisturbed(trainer, poison), nan_rate_factor=factor).fit()
    assert error.value.rate_factor == pytest.approx(expected)
  trainer = make_trainer()
  disturbed = Disturbed(trainer, 1, lambda: poison(trainer))
  history = TrainingDirectory(str(tmp_path), disturbed, nan_rate_factor=0.1).fit()
  assert epochs(history) == list(range(1, TRAINING.epochs + 1))
  assert float(trainer.course.rate_factor) == pytest.approx(0.1)


def test_a_cosine_is_scaled_when_a_training_goes_back():
  trainer, rates = make_trainer(FOUR, train_examples=None), []  # Steps enough that a cosine is nearly flat.
  batch = next(iter(trainer.task.training_batches(trainer.training_config, seed=3)))
  for _ in range(2):
    trainer._train_step(*batch)
    rates.append(trainer.learning_rate)
    trainer.course.set_back(0.5)
  assert rates[1] == pytest.approx(rates[0] / 2, rel=0.05)


def test_weights_that_are_no_numbers_never_get_into_a_checkpoint(tmp_path):
  trainer = make_trainer()
  directory = TrainingDirectory(str(tmp_path), Disturbed(trainer, 4, lambda: poison(trainer)))
  with pytest.raises(Diverged):
    directory.fit()
  assert restore_network(str(tmp_path), make_trainer().network) == 1


KILLED = """
import dataclasses, sys
from tests.support.image_cases import TRAINING, make_trainer
from nao_tf.training.training_directory import TrainingDirectory
TrainingDirectory(sys.argv[1], make_trainer(dataclasses.replace(TRAINING, epochs=6))).fit()
"""


@pytest.mark.slow
def test_a_killed_training_ends_as_one_that_was_not(tmp_path):
  whole, killed = tmp_path / "whole", tmp_path / "killed"
  subprocess.run([sys.executable, "-c", KILLED, str(whole)], check=True)
  for lines in (1, 3):
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(killed)])
    while process.poll() is None and _num_lines(killed / HISTORY_FILE) < lines:
      time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
  subprocess.run([sys.executable, "-c", KILLED, str(killed)], check=True)
  history = read_history(str(killed))
  assert without_seconds(history) == without_seconds(read_history(str(whole))) and len(history) == 6


def _num_lines(path):
  return len(path.read_text().splitlines()) if os.path.exists(path) else 0
