import pytest
import tensorflow as tf

from nao_tf.tasks import make_task, trainers
from nao_tf.training.compilation import CompiledStep, compiled_step
from tests.support.image_cases import GENOTYPE, NETWORK, TRAINING
from tests.support.toy_text import toy_task
from tests.training import test_language_trainer as language

DEFAULT = tf.distribute.get_strategy()


def uncompilable(x):
  return tf.strings.length(tf.strings.as_string(x))


def test_a_step_that_cannot_be_compiled_runs_as_it_is(caplog):
  step = CompiledStep(uncompilable, compiles=True, must_compile=False)
  assert [int(step(tf.constant(number))) for number in (5, 10, 100)] == [1, 2, 3]
  assert caplog.text.count("cannot be compiled") == 1


def test_a_step_that_must_be_compiled_and_cannot_is_an_error():
  with pytest.raises(ValueError, match="jit_compile=on, but the training step cannot be compiled"):
    compiled_step(uncompilable, "on", DEFAULT)(tf.constant(5))


def test_a_compiled_step_computes_the_same():
  step = compiled_step(lambda x: tf.reduce_sum(x * x), "on", DEFAULT)
  assert float(step(tf.constant([3.0, 4.0]))) == 25.0
  assert float(compiled_step(lambda x: 2.0 * x, "off", DEFAULT)(tf.constant(3.0))) == 6.0


@pytest.mark.skipif(bool(tf.config.list_physical_devices("GPU")), reason="there are GPUs")
def test_a_cpu_compiles_nothing_unless_it_is_told_to():
  assert compiled_step(uncompilable, "auto", DEFAULT)(tf.constant(12)) == 2


def trainer(jit_compile):
  config = {"network_config": NETWORK, "training_config": TRAINING}
  return trainers.make_trainer(
    make_task("digits"), GENOTYPE, **config, distribution=DEFAULT, seed=3, jit_compile=jit_compile
  )


@pytest.mark.slow
def test_a_network_is_trained_by_a_compiled_step():
  plain, compiled = trainer("off"), trainer("on")
  for batch in plain.task.training_batches(plain.training_config, seed=3).take(2):
    losses = [float(one._train_step(*batch)) for one in (plain, compiled)]
    assert losses[1] == pytest.approx(losses[0], rel=1e-3)


def test_steps_of_a_language_model_are_not_compiled():
  config = {"network_config": language.NETWORK, "training_config": language.TRAINING}
  with pytest.raises(ValueError, match="jit_compile=on is for images"):
    trainers.make_trainer(toy_task(), language.GENOTYPE, **config, distribution=DEFAULT, seed=0, jit_compile="on")
