"""Trainings in mixed precision next to those in single precision."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from nao_tf.training.config import MIXED_PRECISIONS
from nao_tf.training.loss_scale import LossScale
from tests.support import image_cases
from tests.training import test_language_trainer as language

SMALL = dataclasses.replace(image_cases.TRAINING, epochs=12, evaluate_every=12, learning_rate=0.02)


def image_trainer(precision, **changes):
  return image_cases.make_trainer(dataclasses.replace(SMALL, mixed_precision=precision, **changes))


@pytest.fixture(scope="module")
def single():
  """The last epoch of a training of 204 steps in single precision."""
  return list(image_trainer("none").fit())[-1]


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_two_hundred_steps_end_near_those_in_single_precision(single, precision):
  trainer = image_trainer(precision)
  last = list(trainer.fit())[-1]
  assert trainer.num_steps_done > 200
  assert last["train_loss"] == pytest.approx(single["train_loss"], abs=0.2)  # It began at 2.3.
  assert last["valid_loss"] == pytest.approx(single["valid_loss"], abs=0.2)
  assert {variable.dtype for variable in trainer.network.weights} <= {"float32", tf.float32}
  assert keras.mixed_precision.global_policy().name == "float32"


def test_logits_and_losses_are_in_single_precision():
  network = image_trainer("bfloat16").network
  images = tf.zeros([2, 8, 8, 1])
  assert network(images, training=True, step=0).dtype == network(images).dtype == tf.float32
  assert network.classifier.cells[0].compute_dtype == "bfloat16"
  assert {variable.dtype for variable in network.weights} <= {"float32", tf.float32}
  assert keras.mixed_precision.global_policy().name == "float32"


def test_a_language_model_computes_nearly_the_same():
  changes = {"network": language.NETWORK.without_dropout(), "epochs": 2}
  whole, *halves = (
    list(language.make_trainer(mixed_precision=precision, **changes).fit()) for precision in MIXED_PRECISIONS
  )
  for half in halves:
    assert half != whole
    assert half[-1]["train_loss"] == pytest.approx(whole[-1]["train_loss"], rel=0.02)
    assert half[-1]["valid_loss"] == pytest.approx(whole[-1]["valid_loss"], rel=0.02)


def test_gradients_that_are_not_finite_change_nothing_but_the_factor():
  variable = tf.Variable([1.0, 2.0])
  optimizer = keras.optimizers.SGD(0.1, momentum=0.9)
  optimizer.build([variable])
  scale = LossScale(initial=8.0, steps_to_grow=2)
  values, factors = [], []
  for gradient in ([8.0, 8.0], [np.inf, 8.0], [8.0, np.nan], [8.0, 0.0], [0.0, 8.0]):
    finite = scale.apply(optimizer, scale.unscaled([tf.constant(gradient)]), [variable])
    scale.update(finite)
    values.append(variable.numpy().tolist())
    factors.append(float(scale.factor))
  assert values[0] == values[1] == values[2] != values[3] and np.isfinite(values).all()
  assert factors == [8.0, 4.0, 2.0, 2.0, 4.0]


def test_a_loss_that_overflows_is_scaled_less():
  trainer = image_trainer("float16")
  trainer._loss_scale.factor.assign(2.0**40)
  before = trainer._flat.vector.numpy()
  batch = next(iter(trainer.task.training_batches(trainer.training_config, seed=3)))
  trainer._train_step(*batch)
  np.testing.assert_array_equal(trainer._flat.vector, before)
  assert float(trainer._loss_scale.factor) == 2.0**39 and trainer.num_steps_done == 1


@pytest.mark.parametrize("precision", ["float64", "half"])
def test_another_precision_is_refused(precision):
  with pytest.raises(ValueError, match="mixed_precision must be one of none, bfloat16, float16"):
    image_trainer(precision)


@pytest.mark.slow
def test_two_hundred_steps_of_a_language_model_in_float16_end_near_those_in_single_precision():
  changes = {"network": language.NETWORK.without_dropout(), "epochs": 24}
  whole, half = (language.make_trainer(mixed_precision=precision, **changes) for precision in ("none", "float16"))
  expected, last = (list(trainer.fit())[-1] for trainer in (whole, half))
  assert half.num_steps_done == whole.num_steps_done > 200
  assert last["train_loss"] == pytest.approx(expected["train_loss"], rel=0.03)
  assert last["valid_loss"] == pytest.approx(expected["valid_loss"], rel=0.03)
  assert {variable.dtype for variable in half.network.weights} <= {"float32", tf.float32}


def test_a_loss_of_a_language_model_that_overflows_is_scaled_less():
  trainer = language.make_trainer(mixed_precision="float16", network=language.NETWORK.without_dropout())
  before = [variable.numpy() for variable in trainer.network.trainable_variables]
  for factor, changes in ((2.0**60, False), (2.0**10, True)):
    trainer._loss_scale.factor.assign(factor)
    loss = trainer._train_step(tf.constant(0), tf.constant(6))
    assert np.isfinite(loss) and np.isfinite(trainer._progress.hidden).all()
    assert float(trainer._loss_scale.factor) == (factor if changes else factor / 2)
    after = [variable.numpy() for variable in trainer.network.trainable_variables]
    assert any((old != new).any() for old, new in zip(before, after)) == changes
  assert trainer._progress.hidden.dtype == tf.float32 and "loss_scale" in trainer.state
