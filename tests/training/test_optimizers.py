import dataclasses
import importlib.util

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from nao_tf.training import optimizers
from nao_tf.training.config import TrainingConfig
from nao_tf.training.language_config import LanguageTrainingConfig

HAS_ADDONS = importlib.util.find_spec("tensorflow_addons") is not None


def rates(config, steps_per_epoch, steps):
  schedule = optimizers.learning_rate(config, steps_per_epoch)
  return np.array([float(schedule(step)) for step in steps])


def test_an_optimizer_is_found_by_name_in_any_case():
  assert optimizers.optimizer_class("adam") is optimizers.optimizer_class("Adam") is keras.optimizers.Adam


def test_an_unknown_optimizer_is_named_with_what_there_is():
  with pytest.raises(ValueError, match="unknown optimizer 'Nonsense'; expected one of .*Adam.*SGD"):
    optimizers.optimizer_class("Nonsense")


@pytest.mark.skipif(HAS_ADDONS, reason="TensorFlow Addons is installed")
def test_an_optimizer_of_tensorflow_addons_needs_it():
  with pytest.raises(ValueError, match="'Addons>LAMB' needs TensorFlow Addons"):
    optimizers.optimizer_class("Addons>LAMB")


def test_an_optimizer_takes_the_options_it_knows():
  sgd = optimizers.make_optimizer(TrainingConfig(momentum=0.8, nesterov=True), 10)
  assert sgd.get_config()["momentum"] == 0.8 and sgd.get_config()["nesterov"] is True
  assert "momentum" not in optimizers.make_optimizer(TrainingConfig(optimizer="Adam"), 10).get_config()


def test_only_optimizers_with_a_decay_of_their_own_are_given_it():
  adamw = optimizers.make_optimizer(TrainingConfig(optimizer="AdamW", weight_decay=0.01), 10)
  assert adamw.get_config()["weight_decay"] == 0.01
  assert [optimizers.decays_weights_itself(name) for name in ("AdamW", "Adam", "SGD")] == [True, False, False]


@pytest.mark.parametrize(("name", "count"), [("SGD", 1), ("RMSprop", 2), ("Lion", 1), ("Adafactor", 1), ("AdamW", 2)])
def test_an_optimizer_keeps_so_many_numbers_of_each_weight(name, count):
  assert optimizers.num_slots(TrainingConfig(optimizer=name)) == count


def test_the_numbers_of_every_optimizer_are_counted():
  optimizers.register_addons()
  configs = [TrainingConfig(optimizer=name, schedule="constant") for name in optimizers._known_optimizers()]
  assert {optimizers.num_slots(config) for config in configs} == {1, 2}
  assert optimizers.num_slots(LanguageTrainingConfig(optimizer="Adam")) == 2


@pytest.mark.skipif(not HAS_ADDONS, reason="TensorFlow Addons is not installed")
def test_the_numbers_of_an_optimizer_of_tensorflow_addons_are_counted():
  assert optimizers.num_slots(TrainingConfig(optimizer="Addons>LAMB")) == 2


def test_every_optimizer_follows_the_schedule_or_is_refused():
  optimizers.register_addons()
  refused = set()
  for name in optimizers._known_optimizers():
    try:
      optimizers.check_optimizer(TrainingConfig(optimizer=name))
      optimizers.num_slots(TrainingConfig(optimizer=name))
    except ValueError as error:
      assert "only takes a constant learning rate" in str(error)
      refused.add(name)
  assert refused == ({"Addons>ConditionalGradient"} if HAS_ADDONS else set())


@pytest.mark.skipif(not HAS_ADDONS, reason="TensorFlow Addons is not installed")
def test_an_optimizer_that_only_takes_a_constant_rate_is_refused_with_another():
  name = "Addons>ConditionalGradient"
  optimizers.check_optimizer(TrainingConfig(optimizer=name, schedule="constant"))
  optimizers.check_optimizer(LanguageTrainingConfig(optimizer=name))
  for changes, got in (({}, "cosine and 0"), ({"schedule": "constant", "warmup_epochs": 0.5}, "constant and 0.5")):
    with pytest.raises(ValueError, match=f"constant learning rate; expected schedule=constant .*, got {got}$"):
      optimizers.check_optimizer(TrainingConfig(optimizer=name, epochs=2, **changes))


def test_the_cosine_goes_from_the_highest_to_the_lowest_rate_over_all_steps():
  config = TrainingConfig(epochs=4, learning_rate=0.2, min_learning_rate=0.1)
  np.testing.assert_allclose(rates(config, 5, [0, 10, 20]), [0.2, 0.15, 0.1], rtol=1e-6)


def test_a_longer_period_leaves_the_rate_high():
  config = TrainingConfig(epochs=25, learning_rate=0.024, cosine_period_epochs=100)
  np.testing.assert_allclose(rates(config, 351, [25 * 351]), [0.012 * (1 + np.cos(np.pi / 4))], rtol=1e-5)


def test_shorter_periods_restart_the_cosine_and_grow():
  config = TrainingConfig(epochs=30, learning_rate=0.1, cosine_period_epochs=10, cosine_period_growth=2.0)
  np.testing.assert_allclose(rates(config, 1, [0, 5, 10, 20]), [0.1, 0.05, 0.1, 0.05], rtol=1e-5)


def test_a_constant_rate_is_a_number():
  assert optimizers.learning_rate(TrainingConfig(schedule="constant", learning_rate=0.3), 7) == 0.3


@pytest.mark.parametrize("schedule", ["cosine", "constant"])
def test_a_warm_up_grows_linearly_to_the_schedule(schedule):
  config = TrainingConfig(epochs=10, learning_rate=0.2, schedule=schedule)
  warm = dataclasses.replace(config, warmup_epochs=0.5)
  plain = rates(config, 8, range(80)) if schedule == "cosine" else np.full(80, 0.2)
  factors = np.minimum(1.0, (np.arange(80) + 1) / 4)
  np.testing.assert_allclose(rates(warm, 8, range(80)), plain * factors, rtol=1e-6)


def test_rates_are_scaled_with_the_batch():
  config = TrainingConfig(epochs=10, learning_rate=0.1, min_learning_rate=0.01)
  scaled = dataclasses.replace(config, batch_size=1024, scale_learning_rate=256)
  np.testing.assert_allclose(rates(scaled, 8, [0, 80]), [0.4, 0.04], rtol=1e-6)
  assert optimizers.learning_rate(dataclasses.replace(scaled, schedule="constant"), 8) == pytest.approx(0.4)


def test_a_factor_reaches_schedules_and_constant_rates():
  factor = tf.Variable(0.5)
  for changes in ({"schedule": "cosine"}, {"schedule": "constant"}, {"schedule": "constant", "warmup_epochs": 1.0}):
    config = TrainingConfig(epochs=10, learning_rate=0.1, **changes)
    ours, plain = (optimizers.make_optimizer(config, 1, **kw) for kw in ({"rate_factor": factor}, {}))
    optimizers.set_constant_rate(ours, config, 0.5)
    assert optimizers.current_learning_rate(ours) == pytest.approx(optimizers.current_learning_rate(plain) / 2)


def test_an_exponential_rate_falls_after_every_so_many_epochs():
  config = TrainingConfig(schedule="exponential", learning_rate=0.1, decay_rate=0.5, decay_epochs=2)
  np.testing.assert_allclose(rates(config, 3, [0, 5, 6, 11, 12]), [0.1, 0.1, 0.05, 0.05, 0.025], rtol=1e-6)


def test_rmsprop_takes_the_decay_and_the_offset_of_its_divisor():
  optimizer = optimizers.make_optimizer(TrainingConfig(optimizer="RMSprop", rho=0.8, epsilon=1.0, momentum=0.7), 1)
  options = optimizer.get_config()
  assert [options[name] for name in ("rho", "epsilon", "momentum")] == pytest.approx([0.8, 1.0, 0.7])
  assert optimizers.make_optimizer(TrainingConfig(optimizer="RMSprop"), 1).get_config()["epsilon"] == 1e-7
