import dataclasses
import gc
import inspect
import weakref

import keras_tuner
import pytest
import tensorflow as tf
from tensorflow import keras
from tensorflow.python.framework import ops

from nao_tf.evaluators.training_evaluator import TrainingEvaluator
from nao_tf.networks.image_network import ImageNetworkConfig
from nao_tf.spaces import make_space
from nao_tf.spaces.nasnet import SMALL, NasnetSpace
from nao_tf.strategies import make_strategy
from nao_tf.tasks import make_task
from nao_tf.training.config import TrainingConfig
from nao_tf.tuner.cell_space import CellSpace
from nao_tf.tuner.hypermodels import CellHyperModel
from nao_tf.tuner.oracle import StrategyOracle
from nao_tf.tuner.tuner import StrategyTuner
from tests.support import toy_text
from tests.support.toys import ToySpace

TINY = ImageNetworkConfig(num_cells=1, filters=2, auxiliary=False, drop_path_keep=1.0, dropout_keep=1.0)
SPACE = NasnetSpace("single", SMALL, num_nodes=1)
SHORT = TrainingConfig(epochs=2, batch_size=32, evaluation_batch_size=64)


@pytest.fixture(scope="module")
def task():
  return make_task("digits", train_examples=64)


def make(task, config=SHORT):
  return CellHyperModel(task, SPACE, TINY, config)


def make_oracle(hypermodel, **options):
  objective = keras_tuner.Objective("reward", "max")
  return StrategyOracle("random", objective, 2, seed=0, make_space=hypermodel.make_space, **options)


def test_the_search_over_cells_is_the_stand_alone_one(tmp_path, task):
  hypermodel = make(task)
  hp = keras_tuner.HyperParameters()
  CellSpace(SPACE).declare(hp)
  oracle = make_oracle(hypermodel, hyperparameters=hp)
  oracle._set_project_dir(str(tmp_path), "project")
  strategy = make_strategy("random", SPACE, seed=0)
  for _ in range(2):
    values = oracle.create_trial("tuner0").hyperparameters.values
    assert CellSpace(SPACE).encode(values) == strategy.ask()[0]
    oracle.ongoing_trials.clear()


@pytest.mark.slow
def test_a_tuner_searches_cells_and_gives_the_rewards_of_a_search(tmp_path, task):
  hypermodel = make(task)
  tuner = StrategyTuner(make_oracle(hypermodel), hypermodel, directory=str(tmp_path), project_name="project")
  tuner.search(verbose=0)
  trials = list(tuner.oracle.trials.values())
  assert [trial.status for trial in trials] == ["COMPLETED"] * 2
  space = SPACE
  evaluator = TrainingEvaluator(task, space, TINY, SHORT, distribution=tf.distribute.get_strategy(), seed=0)
  architecture = CellSpace(space).encode(trials[0].hyperparameters.values)
  [alone] = evaluator.evaluate([architecture])
  assert trials[0].score == pytest.approx(alone.reward, abs=1e-3)
  assert trials[0].metrics.get_best_value("val_accuracy") == trials[0].score
  [best] = tuner.get_best_models()
  assert isinstance(best, keras.Model)


class Epochs(keras.callbacks.Callback):
  """Notes what it is called with, and stops after some epochs."""

  def __init__(self, last):
    super().__init__()
    self.last, self.seen = last, []

  def on_epoch_begin(self, epoch, logs=None):
    self.seen.append(epoch)

  def on_epoch_end(self, epoch, logs=None):
    self.seen.append(sorted(logs))
    self.model.stop_training = epoch + 1 == self.last

  def on_train_end(self, logs=None):
    self.seen.append("end")


def test_callbacks_see_every_epoch_and_may_stop_the_training(task, no_graphs):
  hypermodel, hp = make(task, dataclasses.replace(SHORT, epochs=3)), keras_tuner.HyperParameters()
  names = ["loss", "reward", "val_accuracy", "val_loss"]
  callback = Epochs(last=2)
  hypermodel.fit(hp, hypermodel.build(hp), callbacks=[callback])
  assert callback.seen == [0, names, 1, names, "end"]


@pytest.mark.slow
def test_a_training_that_diverges_is_a_failed_trial(task):
  hypermodel = make(task, dataclasses.replace(SHORT, learning_rate=1e30, clip_norm=0.0))
  hp = keras_tuner.HyperParameters()
  with pytest.raises(keras_tuner.errors.FailedTrialError, match="diverged"):
    hypermodel.fit(hp, hypermodel.build(hp))


def test_only_the_network_that_was_built_last_is_trained(task):
  with pytest.raises(ValueError, match="built last"):
    make(task).fit(keras_tuner.HyperParameters(), keras.Sequential())


def test_another_hyperparameter_beside_the_cells_is_searched_too(task):
  hypermodel, hp = make(task), keras_tuner.HyperParameters()
  CellSpace(SPACE).declare(hp)
  assert isinstance(hypermodel.make_space(hp), CellSpace)
  hp.Float("rate", 0, 1)
  assert "rate" in hypermodel.make_space(hp).decode((0,) * (len(SPACE.decisions) + 2))


def test_what_is_no_architecture_is_a_failed_trial(task):
  hypermodel, hp = CellHyperModel(task, ToySpace(), TINY, SHORT), keras_tuner.HyperParameters()
  with pytest.raises(keras_tuner.errors.FailedTrialError, match="must not both be 0"):
    hypermodel.build(hp)


def test_cells_of_language_models_are_tuned_too(tmp_path, no_graphs):
  training_config = dataclasses.replace(toy_text.TRAINING, epochs=2)
  hypermodel = CellHyperModel(toy_text.toy_task(), make_space("rnn12"), toy_text.NETWORK, training_config)
  tuner = StrategyTuner(make_oracle(hypermodel), hypermodel, directory=str(tmp_path), project_name="project")
  tuner.search(verbose=0)
  trials = list(tuner.oracle.trials.values())
  assert [trial.status for trial in trials] == ["COMPLETED"] * 2
  for trial in trials:
    logs = {name: trial.metrics.get_best_value(name) for name in trial.metrics.metrics}
    assert 1 < logs["val_perplexity"] < 20 and logs["reward"] == trial.score
  [best] = tuner.get_best_models()
  assert isinstance(best, keras.Model)


def language_models():
  cells = make_space("rnn9")
  return CellHyperModel(toy_text.toy_task(), cells, toy_text.NETWORK, dataclasses.replace(toy_text.TRAINING, epochs=2))


@pytest.mark.parametrize("make_hypermodel", [lambda: make(make_task("digits", train_examples=64)), language_models])
def test_a_network_that_was_built_under_a_mirrored_strategy_is_trained(make_hypermodel, no_graphs):
  hypermodel, hp = make_hypermodel(), keras_tuner.HyperParameters()
  strategy = tf.distribute.MirroredStrategy(["/cpu:0"])
  with strategy.scope():  # As a tuner with a distribution_strategy does.
    network = hypermodel.build(hp)
    logs = hypermodel.fit(hp, network)
  assert {"reward", "val_loss"} <= set(logs)


# The arguments of a search.


@pytest.fixture(scope="module")
def unused_tuner(task, tmp_path_factory):
  hypermodel, directory = make(task), str(tmp_path_factory.mktemp("unused"))
  return StrategyTuner(make_oracle(hypermodel), hypermodel, directory=directory, project_name="project")


@pytest.mark.parametrize(
  ("args", "kwargs", "message"),
  [
    (("x", "y"), {}, "'x' of fit: the task"),
    ((), {"x": tf.data.Dataset.range(3)}, "'x' of fit: the task"),
    ((), {"validation_split": 0.2}, "'validation_split' of fit: the task"),
    ((), {"validation_data": ("x", "y")}, "'validation_data' of fit: the task"),
    ((), {"sample_weight": [1.0]}, "'sample_weight' of fit: the task"),
    ((), {"class_weight": {0: 1.0}}, "'class_weight' of fit: the task"),
    ((), {"batch_size": 8}, "'batch_size' of fit: the training_config"),
    ((), {"epochs": 3}, "'epochs' of fit: the training_config"),
    ((), {"steps_per_epoch": 3}, "'steps_per_epoch' of fit: the training_config"),
    ((), {"initial_epoch": 3}, "'initial_epoch' of fit: the training_config"),
    ((), {"shuffle": False}, "'shuffle' of fit: the training_config"),
    ((), {"validation_steps": 3}, "'validation_steps' of fit: the training_config"),
    ((), {"nonsense": 3}, "'nonsense' of fit: only callbacks and verbose are supported"),
    ((), {"callbacks": [keras.callbacks.ReduceLROnPlateau()]}, "ReduceLROnPlateau: the training_config"),
    ((), {"callbacks": [keras.callbacks.LearningRateScheduler(float)]}, "LearningRateScheduler: the training_config"),
    ((), {"callbacks": [keras.callbacks.BackupAndRestore("somewhere")]}, "BackupAndRestore: a trial"),
    ((), {"callbacks": [keras.callbacks.ModelCheckpoint("m.keras")]}, "save_weights_only=True"),
  ],
)
def test_what_a_search_cannot_take_is_refused_before_the_first_trial(unused_tuner, args, kwargs, message):
  with pytest.raises(ValueError, match=message):
    unused_tuner.search(*args, verbose=0, **kwargs)
  assert not unused_tuner.oracle.trials


def test_every_argument_of_keras_is_taken_or_refused_by_its_name(task):
  hypermodel = make(task)
  for name in list(inspect.signature(keras.Model.fit).parameters)[1:]:
    if name not in ("callbacks", "verbose"):
      with pytest.raises(ValueError, match=f"'{name}'"):
        hypermodel.check_fit_arguments(**{name: 1})
    hypermodel.check_fit_arguments(**{name: None})


@pytest.mark.slow
def test_callbacks_of_keras_work(tmp_path, task):
  made = [
    keras.callbacks.EarlyStopping("val_loss", patience=5),
    keras.callbacks.ModelCheckpoint(
      str(tmp_path / "best.weights.h5"), "val_accuracy", mode="max", save_weights_only=True
    ),
    keras.callbacks.CSVLogger(str(tmp_path / "log.csv")),
    keras.callbacks.TensorBoard(str(tmp_path / "board")),
    keras.callbacks.TerminateOnNaN(),
    keras.callbacks.History(),
  ]
  hypermodel = make(task)
  oracle = make_oracle(hypermodel)
  tuner = StrategyTuner(oracle, hypermodel, directory=str(tmp_path), project_name="project")
  tuner.search(callbacks=made, verbose=0)
  assert [trial.status for trial in oracle.trials.values()] == ["COMPLETED"] * 2
  assert (tmp_path / "best.weights.h5").exists() and len((tmp_path / "log.csv").read_text().splitlines()) == 3
  assert list((tmp_path / "board").rglob("events*"))


# Memory.


def test_a_training_leaves_no_graphs_behind(task):
  registry = ops.gradient_registry._registry
  hypermodel, before = make(task, dataclasses.replace(SHORT, epochs=1)), set(registry)
  networks = []
  for _ in range(2):
    hp = keras_tuner.HyperParameters()
    network = hypermodel.build(hp)
    hypermodel.fit(hp, network)
    networks.append(weakref.ref(network))
    del network
  gc.collect()
  assert set(registry) == before
  assert [network() for network in networks] == [None, None]


def test_what_is_no_network_is_refused_before_any_trial(task):
  words = "CellHyperModel: digits: its networks are built from a CellGenotype or .*, got a str"
  with pytest.raises(keras_tuner.errors.FatalValueError, match=words):
    CellHyperModel(task, ToySpace(), TINY, SHORT).check_fit_arguments()
