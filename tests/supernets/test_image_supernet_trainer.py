import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from nao_tf.spaces.nasnet import SMALL, NasnetSpace
from nao_tf.tasks import trainers
from nao_tf.training.training_directory import TrainingDirectory
from tests.support.image_cases import NETWORK
from tests.support.shared_cases import SHARING, TRAINING, make_task, make_trainer, sample
from tests.support.without_graphs import without_graphs

SEPARABLE = NasnetSpace("separable", (SMALL[0], SMALL[3], SMALL[4]), num_nodes=2)


@pytest.fixture(scope="module")
def trainer():
  return make_trainer(space=SEPARABLE, network=dataclasses.replace(NETWORK, auxiliary=True))


def weights_on_path(trainer, architecture):
  path = trainer.supernet.path(tf.constant(architecture, tf.int32))
  return tf.gather(trainer.weights.vector, path.positions).numpy()


def separate(trainer, architecture, statistics=None):
  """Returns a trainer of the separate network with the weights, and maybe statistics, of a path."""
  config = dataclasses.replace(NETWORK, auxiliary=True)
  genotype = SEPARABLE.decode(architecture)
  distribution = tf.distribute.get_strategy()
  other = trainers.make_trainer(make_task(), genotype, config, TRAINING, distribution=distribution, seed=3)
  trainer.supernet.copy_to(other.network, architecture, weights_on_path(trainer, architecture), statistics)
  other._flat.vector.assign(other._flat.pack([tf.convert_to_tensor(w) for w in other.network.trainable_variables]))
  return other


def batch(trainer):
  return next(iter(trainer.task.training_batches(trainer.training_config, seed=3)))


def test_steps_are_those_of_the_separate_network_and_touch_nothing_else(trainer):
  (architecture,) = sample(1, space=SEPARABLE)
  other, before = separate(trainer, architecture), trainer.weights.vector.numpy()
  for _ in range(2):  # The second time there is momentum.
    loss = trainer._train_step(*batch(trainer), tf.constant(architecture, tf.int32))
    with without_graphs():
      np.testing.assert_allclose(loss, other._train_step(*batch(trainer)), rtol=1e-4)
  twin = separate(trainer, architecture)
  for ours, theirs in zip(twin.network.trainable_variables, other.network.trainable_variables):
    np.testing.assert_allclose(ours, theirs, atol=5e-3)
  on_path = trainer.supernet.path(tf.constant(architecture, tf.int32)).positions.numpy()
  assert set(np.flatnonzero(trainer.weights.vector.numpy() != before)) <= set(on_path)


def test_a_score_is_that_of_the_separate_network_with_the_path_s_statistics(trainer):
  for architecture in sample(2, seed=1, space=SEPARABLE):
    choices = tf.constant(architecture, tf.int32)
    calibrations = [trainer._calibration_step(*batch, choices) for batch in trainer._calibration_batches]
    statistics = np.mean(calibrations, axis=0)
    count = int(tf.reduce_sum(trainer.supernet.path(choices).statistic_sizes))
    with without_graphs():
      expected = separate(trainer, architecture, statistics[:count]).evaluate("valid")
    assert trainer.score(architecture) == pytest.approx(expected, rel=1e-3)


def test_one_graph_each_serves_all_architectures(trainer):
  for architecture in sample(8, seed=2, space=SEPARABLE):
    trainer._train_step(*batch(trainer), tf.constant(architecture, tf.int32))
    trainer.score(architecture)
    assert trainer.num_parameters(architecture) > 0
  for step in (trainer._train_step, trainer._calibration_step, trainer._evaluation_step, trainer._count_step):
    assert step.experimental_get_tracing_count() == 1


@pytest.mark.slow
def test_one_graph_each_serves_a_thousand_architectures(trainer):
  for architecture in sample(1000, seed=7, space=SEPARABLE):
    trainer._train_step(*batch(trainer), tf.constant(architecture, tf.int32))
    trainer.score(architecture)
  steps = (trainer._train_step, trainer._calibration_step, trainer._evaluation_step)
  assert [step.experimental_get_tracing_count() for step in steps] == [1, 1, 1]


@pytest.mark.slow
def test_training_on_a_pool_makes_all_of_it_better_than_guessing():
  training = dataclasses.replace(TRAINING, optimizer="Adam", learning_rate=0.01, batch_size=16)
  trainer, pool = make_trainer(training=training), sample(3)
  trainer.start_round(pool, 1)
  history = list(trainer.fit())
  trainer.start_round(pool, 4)
  history += trainer.fit()
  assert [metrics["epoch"] for metrics in history] == [1, 2, 3, 4]
  assert history[-1]["train_loss"] < np.log(10) < history[0]["train_loss"]
  assert np.mean([trainer.score(architecture)["accuracy"] for architecture in pool]) > 0.12


def test_scores_are_on_the_same_first_examples(no_graphs):
  """There are 144 validation images."""
  for wanted, size, count in ((0, 150, 144), (100, 150, 100), (100, 60, 100), (101, 60, 102)):
    training = dataclasses.replace(TRAINING, evaluation_batch_size=size)
    trainer = make_trainer(dataclasses.replace(SHARING, validation_examples=wanted), training=training)
    found = trainer.score(sample(1)[0])["accuracy"] * count
    assert found == pytest.approx(round(found), abs=1e-3)
    assert sum(float(tf.reduce_sum(batch[2])) for batch in trainer._validation_batches) == count


class Interrupted(Exception):
  """A process dies."""


def interrupt_after(steps):
  def on_step():
    nonlocal steps
    steps -= 1
    if not steps:
      raise Interrupted

  return on_step


@pytest.mark.parametrize("sampling", ["uniform", "parameters"])
def test_a_training_goes_on_within_an_epoch_as_if_it_had_not_been_interrupted(tmp_path, no_graphs, sampling):
  sharing = dataclasses.replace(SHARING, sampling=sampling)
  trainers = [make_trainer(sharing) for _ in range(3)]
  for trainer in trainers:
    trainer.start_round(sample(6), 2)
  whole = TrainingDirectory(str(tmp_path / "whole"), trainers[0]).fit()
  directory = TrainingDirectory(str(tmp_path / "cut"), trainers[1])
  with pytest.raises(Interrupted):
    for metrics in trainers[1].fit(on_step=interrupt_after(trainers[1].steps_per_epoch + 2)):
      directory._record(metrics)
  directory._save()
  resumed = TrainingDirectory(str(tmp_path / "cut"), trainers[2])
  assert trainers[2].num_steps_done == trainers[1].steps_per_epoch + 2
  assert [m["train_loss"] for m in resumed.fit()] == pytest.approx([m["train_loss"] for m in whole], rel=1e-5)
  np.testing.assert_allclose(trainers[2].weights.vector, trainers[0].weights.vector, atol=1e-5)


def test_an_optimizer_that_looks_at_whole_variables_is_refused():
  with pytest.raises(ValueError, match="an optimizer that updates each weight independently"):
    make_trainer(training=dataclasses.replace(TRAINING, optimizer="Adafactor"))
