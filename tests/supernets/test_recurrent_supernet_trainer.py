import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from nao_tf.networks.language_model import LanguageModelConfig
from nao_tf.networks.parameter_counts import num_parameters
from nao_tf.spaces.recurrent import RecurrentSpace
from nao_tf.supernets import make_supernet_trainer
from nao_tf.supernets.config import SharingConfig
from nao_tf.supernets.shared_recurrent_cell import assign_kernels
from nao_tf.tasks import trainers
from nao_tf.training.language_config import LanguageTrainingConfig
from nao_tf.training.training_directory import TrainingDirectory
from tests.support.toy_text import toy_task

SPACE = RecurrentSpace("small", 3)
NETWORK = LanguageModelConfig(units=5, initial_range=0.5).without_dropout()
TRAINING = LanguageTrainingConfig(
  epochs=3, batch_size=4, segment_length=6, segment_deviation=1.0, max_extra_length=2, learning_rate=5.0
)
SHARING = SharingConfig(pool_size=4)


def sample(count, seed=0):
  rng = np.random.default_rng(seed)
  return [SPACE.canonical(SPACE.sample(rng)) for _ in range(count)]


def make_trainer(task, sharing=SHARING, network=NETWORK, training=TRAINING):
  distribution = tf.distribute.get_strategy()
  return make_supernet_trainer(task, SPACE, network, training, sharing, distribution=distribution, seed=3)


@pytest.fixture
def task():
  return toy_task()


def kernels_on_path(trainer, architecture):
  choices = tf.constant(architecture, tf.int32)
  return trainer.weights.read(trainer.supernet.path(choices).positions).numpy()


def separate(trainer, architecture):
  """Returns a trainer of the separate language model with the weights on a path."""
  distribution = tf.distribute.get_strategy()
  genotype = SPACE.decode(architecture)
  other = trainers.make_trainer(trainer.task, genotype, NETWORK, TRAINING, distribution=distribution, seed=3)
  other.network.table.assign(tf.convert_to_tensor(trainer.supernet.network.table))
  other.network.bias.assign(tf.convert_to_tensor(trainer.supernet.network.bias))
  cell = other.network.cell
  kernels = [cell.input_kernel, *cell.node_kernels]
  assign_kernels(kernels, trainer.supernet.cell, kernels_on_path(trainer, architecture))
  return other


def test_a_step_is_one_of_the_separate_language_model_and_touches_nothing_else(task):
  trainer, (architecture,) = make_trainer(task), sample(1)
  other, before = separate(trainer, architecture), trainer.weights.vector.numpy()
  place = tf.constant(0), tf.constant(6)
  loss = trainer._train_step(*place, tf.constant(architecture, tf.int32))
  np.testing.assert_allclose(loss, other._train_step(*place), rtol=1e-5)
  twin = separate(trainer, architecture)
  for ours, theirs in zip(twin.network.trainable_variables, other.network.trainable_variables):
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
  moved = np.flatnonzero(trainer.weights.vector.numpy() != before)
  path = trainer.supernet.path(tf.constant(architecture, tf.int32)).positions.numpy()
  assert len(moved) and set(moved) <= set(path) and len(set(path)) < len(before)


def test_a_score_is_that_of_the_separate_language_model(task):
  trainer = make_trainer(task)
  for architecture in sample(2, 1):
    assert trainer.score(architecture) == pytest.approx(separate(trainer, architecture).evaluate("valid"), rel=1e-5)
    assert trainer.num_parameters(architecture) == num_parameters(separate(trainer, architecture).network)


def test_one_graph_each_serves_all_architectures(task):
  trainer = make_trainer(task)
  for architecture in sample(20):
    trainer._train_step(tf.constant(0), tf.constant(6), tf.constant(architecture, tf.int32))
    trainer.score(architecture)
  assert trainer._train_step.experimental_get_tracing_count() == 1
  assert trainer._evaluation_step.experimental_get_tracing_count() == 1


def test_scores_can_be_on_fewer_tokens(task):
  whole = make_trainer(task)._validation_streams
  inputs, targets, weights = make_trainer(task, SharingConfig(validation_examples=20))._validation_streams
  assert inputs.shape == targets.shape == weights.shape == (len(whole[0]), -(-20 // len(whole[0])))
  np.testing.assert_array_equal(inputs, whole[0][:, : inputs.shape[1]])


def test_training_lowers_the_loss_of_all_architectures(task):
  trainer, pool = make_trainer(task), sample(4)
  before = [trainer.score(architecture)["loss"] for architecture in pool]
  trainer.start_round(pool, 3)
  history = list(trainer.fit())
  assert [metrics["epoch"] for metrics in history] == [1, 2, 3]
  assert all(trainer.score(a)["loss"] < loss for a, loss in zip(pool, before))


class Interrupted(Exception):
  """A process dies."""


def test_a_training_goes_on_within_an_epoch_as_if_it_had_not_been_interrupted(task, tmp_path):
  network = dataclasses.replace(NETWORK, output_dropout=0.2)
  trainers = [make_trainer(task, network=network) for _ in range(3)]
  for trainer in trainers:
    trainer.start_round(sample(4), 2)
  whole = TrainingDirectory(str(tmp_path / "whole"), trainers[0]).fit()
  directory, stop_at = TrainingDirectory(str(tmp_path / "cut"), trainers[1]), trainers[1].steps_per_epoch + 2

  def on_step():
    if trainers[1].num_steps_done == stop_at:
      raise Interrupted

  with pytest.raises(Interrupted):
    for metrics in trainers[1].fit(on_step=on_step):
      directory._record(metrics)
  directory._save()
  resumed = TrainingDirectory(str(tmp_path / "cut"), trainers[2])
  assert [m["train_loss"] for m in resumed.fit()] == pytest.approx([m["train_loss"] for m in whole], rel=1e-6)
  np.testing.assert_allclose(trainers[2].weights.vector, trainers[0].weights.vector, atol=1e-6)


def changed(**changes):
  return dataclasses.replace(TRAINING, **changes)


def trained(task, training=TRAINING):
  """Returns a trainer after an epoch on four architectures, and its loss."""
  trainer = make_trainer(task, training=dataclasses.replace(training, epochs=1))
  trainer.start_round(sample(4), 1)
  return trainer, list(trainer.fit())[-1]["train_loss"]


def test_a_step_in_parts_is_that_of_all_streams(task, no_graphs):
  whole, parts = make_trainer(task), make_trainer(task, training=changed(accumulate_steps=2))
  for architecture in sample(2):
    place = tf.constant(0), tf.constant(6), tf.constant(architecture, tf.int32)
    assert float(parts._train_step(*place)) == pytest.approx(float(whole._train_step(*place)), abs=1e-5)
  np.testing.assert_allclose(parts.weights.vector, whole.weights.vector, atol=1e-5)
  np.testing.assert_allclose(parts._progress.hidden, whole._progress.hidden, atol=1e-5)
  for ours, theirs in zip(parts.supernet.network.trainable_variables, whole.supernet.network.trainable_variables):
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_language_models_in_half_precision_end_near_those_in_single_precision(task, no_graphs, precision):
  (single, expected), (half, loss) = trained(task), trained(task, changed(mixed_precision=precision))
  assert loss == pytest.approx(expected, abs=0.05) and loss != expected
  assert half.score(sample(1)[0])["loss"] == pytest.approx(single.score(sample(1)[0])["loss"], abs=0.05)
  assert half.supernet.cell.compute_dtype == precision
  weights = (half.weights.vector, half._progress.hidden, *half.supernet.network.variables)
  assert {tf.as_dtype(variable.dtype) for variable in weights} == {tf.float32}


def test_a_step_that_overflows_changes_nothing_but_the_factor(task, no_graphs):
  trainer = make_trainer(task, training=changed(mixed_precision="float16"))
  trainer._loss_scale.factor.assign(2.0**60)
  before = [np.array(w) for w in (trainer.weights.vector, *trainer.supernet.network.trainable_variables)]
  trainer._train_step(tf.constant(0), tf.constant(6), tf.constant(sample(1)[0], tf.int32))
  for now, then in zip((trainer.weights.vector, *trainer.supernet.network.trainable_variables), before):
    np.testing.assert_array_equal(now, then)
  assert float(trainer._loss_scale.factor) == 2.0**59 and trainer.num_steps_done == 1
  assert "loss_scale" in trainer.state


def test_streams_that_cannot_be_divided_are_refused(task):
  with pytest.raises(ValueError, match="a batch_size of 4 cannot be divided into accumulate_steps=3 equal parts"):
    make_trainer(task, training=changed(accumulate_steps=3))
