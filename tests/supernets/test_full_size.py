"""Supernets in mixed precision next to those in single precision, and steps in parts next to whole ones."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from nao_tf.networks.image_network import ImageNetworkConfig, image_network
from nao_tf.spaces import make_space
from nao_tf.supernets.full_size import check_one_shot_training, check_relaxed_training, check_shared_training
from nao_tf.supernets.relaxed.config import PRESETS
from nao_tf.supernets.relaxed.mixed_operations import weighted_sum
from nao_tf.supernets.relaxed.relaxed_trainer import make_relaxed_trainer
from nao_tf.supernets.sampling.config import SamplingConfig
from nao_tf.training.config import TrainingConfig
from nao_tf.training.language_config import LanguageTrainingConfig
from tests.support import shared_cases
from tests.support.array_source import array_task
from tests.support.image_cases import NETWORK
from tests.support.without_graphs import without_graphs

SINGLE = {"float32", tf.float32}
HALVES = ["bfloat16", pytest.param("float16", marks=pytest.mark.slow)]
EDGES = ImageNetworkConfig(
  num_cells=1, filters=4, convention="nasbench201", auxiliary=False, drop_path_keep=1.0, dropout_keep=1.0
)
_CALM = 0.01
"""A learning rate at which the last loss hardly depends on the order of the validation images."""
RELAXED = TrainingConfig(epochs=11, batch_size=8, learning_rate=0.05, nesterov=False, evaluation_batch_size=32)


def paths(*, network=NETWORK, space=shared_cases.SPACE, **changes):
  """Returns a trainer of shared weights on 256 digits, 4 steps an epoch."""
  training = dataclasses.replace(shared_cases.TRAINING, epochs=3, learning_rate=0.01, **changes)
  return shared_cases.make_trainer(space=space, network=network, training=training)


def trained(trainer):
  """Trains on four architectures; returns the last loss, and the loss of one of them."""
  pool = shared_cases.sample(4)
  trainer.start_round(pool, trainer.training_config.epochs)
  last = list(trainer.fit())[-1]
  assert trainer.num_steps_done == 12
  return last["train_loss"], trainer.score(pool[0])["loss"]


@pytest.fixture(scope="module")
def losses_of_paths():
  with without_graphs():
    return trained(paths())


@pytest.mark.slow
@pytest.mark.parametrize("precision", HALVES)
def test_paths_of_shared_weights_end_near_those_in_single_precision(losses_of_paths, precision, no_graphs):
  trainer = paths(mixed_precision=precision)
  losses = trained(trainer)
  assert losses[0] == pytest.approx(losses_of_paths[0], abs=0.02)  # Of the last epoch.
  assert losses[1] == pytest.approx(losses_of_paths[1], abs=0.02)  # On the validation set.
  assert losses != losses_of_paths
  assert trainer.weights.vector.dtype == tf.float32
  assert keras.mixed_precision.global_policy().name == "float32"


@pytest.mark.parametrize("space, network", [(shared_cases.SPACE, NETWORK), (make_space("nasbench201"), EDGES)])
def test_a_path_of_a_supernet_in_bfloat16_is_a_network_in_single_precision(space, network):
  trainer = paths(network=network, space=space, mixed_precision="bfloat16")
  architecture = shared_cases.sample(1, space=space)[0]
  images = next(iter(trainer.task.training_batches(trainer.training_config, seed=1)))[0]
  choices = tf.constant(architecture, tf.int32)
  path = trainer.supernet.path(choices)
  weights = trainer.weights.read(path.positions)
  separate = image_network(space.decode(architecture), network, num_classes=10, image_shape=(8, 8, 1))
  arguments = (weights.numpy(),) if network is EDGES else (architecture, weights.numpy())
  trainer.supernet.copy_to(separate, *arguments)
  assert {variable.dtype for variable in separate.weights} <= SINGLE
  logits = trainer.supernet.network(choices, path, weights)(images, training=True)
  expected = separate(images, training=True, step=0)
  assert logits.dtype == expected.dtype == tf.float32
  distance = tf.norm(logits - expected) / tf.norm(expected)
  assert 0 < distance < 0.05


def test_a_step_in_parts_is_that_of_the_whole_batch(no_graphs):
  whole, parts = paths(), paths(accumulate_steps=4)
  images, labels = next(iter(whole.task.training_batches(whole.training_config, seed=3)))
  alike = tf.repeat(images[None, :16], 4, 0), tf.repeat(labels[None, :16], 4, 0)  # All parts have the same statistics.
  images, labels = tf.reshape(alike[0], images.shape), tf.reshape(alike[1], labels.shape)
  for architecture in shared_cases.sample(3):
    choices = tf.constant(architecture, tf.int32)
    losses = [float(trainer._train_step(images, labels, choices)) for trainer in (whole, parts)]
    assert losses[1] == pytest.approx(losses[0], abs=1e-5)
  np.testing.assert_allclose(parts.weights.vector, whole.weights.vector, atol=1e-5)
  assert np.abs(whole.weights.vector - whole.supernet.bank.initial()).max() > 1e-3


def test_an_overflow_changes_nothing_but_the_factor(no_graphs):
  trainer = paths(mixed_precision="float16")
  trainer._loss_scale.factor.assign(2.0**60)
  before, batch = trainer.weights.vector.numpy(), next(iter(trainer.task.training_batches(RELAXED, seed=3)))
  trainer._train_step(*batch, tf.constant(shared_cases.sample(1)[0], tf.int32))
  np.testing.assert_array_equal(trainer.weights.vector, before)
  assert float(trainer._loss_scale.factor) == 2.0**59 and trainer.num_steps_done == 1
  assert "loss_scale" in trainer.state


def bright_and_dark():
  rng = np.random.default_rng(0)
  labels = np.arange(48) % 2
  images = rng.normal(size=(48, 8, 8, 1)) * 20 + 128 + 60 * (labels[:, None, None, None] * 2 - 1)
  return array_task((images.clip(0, 255).astype(np.uint8), labels), validation_fraction=0.5)


def relaxed(preset="darts_first", *, distribution=None, **changes):
  """Returns a trainer of a relaxed network of one cell of NAS-Bench-201 on 24 images, 3 steps an epoch."""
  training, space = dataclasses.replace(RELAXED, **changes), make_space("nasbench201")
  distribution = distribution or tf.distribute.get_strategy()
  return make_relaxed_trainer(
    bright_and_dark(), space, EDGES, training, PRESETS[preset], distribution=distribution, seed=3
  )


@pytest.fixture(scope="module")
def loss_of_relaxed():
  return list(relaxed(learning_rate=_CALM).fit())[-1]["train_loss"]


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_a_relaxed_network_ends_near_one_in_single_precision(loss_of_relaxed, precision):
  trainer = relaxed(mixed_precision=precision, learning_rate=_CALM)
  before = trainer.strengths.numpy()
  last = list(trainer.fit())[-1]
  assert trainer.num_steps_done == 33
  assert last["train_loss"] == pytest.approx(loss_of_relaxed, abs=0.05)  # It began at 0.7.
  assert np.abs(trainer.strengths.numpy() - before).max() > 1e-3
  assert {variable.dtype for variable in (trainer.strengths, *trainer.network.variables)} <= SINGLE
  assert trainer.network.cells[0].compute_dtype == precision


def test_the_gradient_of_strengths_points_where_it_does_in_single_precision(no_graphs):
  gradients = []
  for precision in ("none", "bfloat16"):
    trainer = relaxed(mixed_precision=precision)
    batches = next(trainer._training_batches(1)), next(iter(trainer._training_batches(1)))
    gradient = tf.function(trainer._strengths_gradient)(*batches, tf.constant(0, tf.int64))
    assert gradient.dtype == tf.float32
    gradients.append(gradient / tf.norm(gradient))
  assert {variable.dtype for variable in (trainer.strengths, *trainer.network.variables)} <= SINGLE
  assert trainer.network.cells[0].compute_dtype == "bfloat16"
  assert 0.95 < tf.reduce_sum(gradients[0] * gradients[1]) < 1


def test_a_weighted_sum_in_half_precision_is_taken_in_single_precision():
  shares = [tf.constant(0.3), tf.constant(0.7)]
  outputs = [tf.random.stateless_normal([4, 5, 5, 3], [1, number]) for number in range(2)]
  found = {}
  for dtype in (tf.float32, tf.bfloat16):
    terms = [tf.cast(tf.cast(output, tf.bfloat16), dtype) for output in outputs]
    with tf.GradientTape() as tape:
      tape.watch([shares, terms])
      total = weighted_sum(terms, shares)
      loss = tf.reduce_sum(tf.square(tf.cast(total, tf.float32)))
    assert total.dtype == dtype
    found[dtype] = [total, *tape.gradient(loss, [*shares, *terms])]
  assert [gradient.dtype for gradient in found[tf.bfloat16][1:]] == [tf.float32] * 2 + [tf.bfloat16] * 2
  for half, whole in zip(found[tf.bfloat16], found[tf.float32]):
    np.testing.assert_allclose(tf.cast(half, tf.float32), whole, rtol=0.02, atol=0.02)


def test_what_supernets_cannot_do_is_refused():
  check_shared_training(TrainingConfig(mixed_precision="float16", accumulate_steps=2))
  check_relaxed_training(TrainingConfig(mixed_precision="float16"), PRESETS["snas"])
  with pytest.raises(ValueError, match="shared weights are trained with average_weights=none only, got 'ema'"):
    check_shared_training(TrainingConfig(average_weights="ema"))
  check_one_shot_training(LanguageTrainingConfig(mixed_precision="bfloat16", accumulate_steps=2), SamplingConfig())
  with pytest.raises(ValueError, match="a batch_size of 20 cannot be divided into accumulate_steps=3 equal parts"):
    check_one_shot_training(LanguageTrainingConfig(batch_size=20, accumulate_steps=3), SamplingConfig())
  check_one_shot_training(LanguageTrainingConfig(mixed_precision="bfloat16"), PRESETS["darts_first"])
  with pytest.raises(ValueError, match="order 2 .* mixed_precision=none, got 'float16'; a search of order 1"):
    check_one_shot_training(LanguageTrainingConfig(mixed_precision="float16"), PRESETS["darts"])
  with pytest.raises(ValueError, match="relaxed networks are trained with accumulate_steps=1 only, got 2"):
    check_one_shot_training(TrainingConfig(accumulate_steps=2), PRESETS["darts_first"])
  with pytest.raises(ValueError, match="order 2 .* mixed_precision=none, got 'bfloat16'; a search of order 1"):
    check_relaxed_training(TrainingConfig(mixed_precision="bfloat16"), PRESETS["darts"])
  with pytest.raises(ValueError, match="needs the optimizer SGD without nesterov, got SGD with nesterov"):
    check_relaxed_training(TrainingConfig(nesterov=True), PRESETS["darts"])
  check_relaxed_training(TrainingConfig(nesterov=True), PRESETS["darts_first"])


class Unread:
  """Images that nobody may read."""

  labels, image_shape, num_bytes = ("a", "b"), (8, 8, 1), 1

  def load(self, split):
    raise AssertionError("the data was read")


@pytest.mark.parametrize("changes", [{"average_weights": "ema"}, {"accumulate_steps": 3}])
def test_it_is_refused_before_the_data_is_read(tmp_path, changes):
  task = shared_cases.ImageClassification("unread", Unread())
  with pytest.raises(ValueError, match=f"{next(iter(changes))}="):
    shared_cases.make_evaluator(tmp_path, training=dataclasses.replace(shared_cases.TRAINING, **changes), task=task)
  with pytest.raises(ValueError, match=f"{next(iter(changes))}="):
    make_relaxed_trainer(
      task,
      make_space("nasbench201"),
      EDGES,
      dataclasses.replace(RELAXED, **changes),
      PRESETS["darts_first"],
      distribution=tf.distribute.get_strategy(),
      seed=1,
    )
