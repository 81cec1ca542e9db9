"""Searches by gradients under several replicas, in a process of its own: logical devices cannot be made later."""

import numpy as np
import pytest

from nao_tf.supernets.relaxed.config import PRESETS
from tests.supernets.test_distribution import run

PROGRAM = """
import json
import tensorflow as tf
from nao_tf.training.distribution import make_distribution
both = (make_distribution(2), tf.distribute.get_strategy())
from nao_tf.supernets.relaxed.config import PRESETS
from tests.supernets.relaxed.test_relaxed_recurrent import make_trainer
trainers = [make_trainer(PRESETS["darts"], distribution=distribution) for distribution in both]
print(json.dumps([[metrics["train_loss"] for metrics in trainer.fit()] for trainer in trainers]))
"""


@pytest.mark.slow
def test_a_search_under_two_replicas_is_nearly_that_under_one():
  """The norms of a recurrent cell see half of the streams in each replica, so losses differ a little."""
  two, one = run(PROGRAM, 2)
  assert two == pytest.approx(one, rel=0.1)


EXACT = """
import dataclasses, functools, json, sys
import tensorflow as tf
from nao_tf.training.distribution import make_distribution
both = (make_distribution(2), tf.distribute.get_strategy())
from nao_tf.supernets.relaxed import relaxed_recurrent_trainer as relaxed
from nao_tf.supernets.relaxed.config import PRESETS
from nao_tf.training.determinism import make_deterministic
from tests.supernets.relaxed.test_relaxed_recurrent import TRAINING, make_trainer
make_deterministic()
relaxed.RelaxedLanguageModel = functools.partial(relaxed.RelaxedLanguageModel, normalized=False)
config = dataclasses.replace(PRESETS[sys.argv[1]], parameter_learning_rate=0.01)
training = dataclasses.replace(TRAINING, learning_rate=1.0, weight_decay=0.001, clip_norm=0.25)


def trained(distribution):
  trainer = make_trainer(config, training, distribution=distribution)
  names = "train_loss", "valid_loss", "entropy"
  losses = [[metrics[name] for name in names] for metrics in trainer.fit()]
  return losses, trainer.strengths.numpy().tolist()


print(json.dumps([*map(trained, both)]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", PRESETS)
def test_a_search_on_a_text_under_two_replicas_is_that_under_one(name):
  """Nodes are not normalized here: there are no statistics of the streams that replicas could take each for itself."""
  two, one = run(EXACT, name)
  np.testing.assert_allclose(two[0], one[0], rtol=1e-4)
  np.testing.assert_allclose(two[1], one[1], atol=1e-4)


IMAGES = """
import json, sys
from nao_tf.training.distribution import make_distribution
distribution = make_distribution(2)
from tests.supernets.test_full_size import relaxed
trainer = relaxed(mixed_precision=sys.argv[2], epochs=2, distribution=distribution)
print(json.dumps([metrics["train_loss"] for metrics in trainer.fit()]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_a_search_on_images_under_two_replicas_in_half_precision_is_nearly_that_in_single_precision(precision):
  single, half = run(IMAGES, 2), run(IMAGES, 2, precision)
  assert half == pytest.approx(single, rel=0.05) and half != single


SYNCHRONIZED = """
import dataclasses, json, sys, tempfile
import tensorflow as tf
from nao_tf.training.distribution import make_distribution
both = (make_distribution(2), tf.distribute.get_strategy())
from nao_tf.supernets.relaxed.config import PRESETS
from nao_tf.training.determinism import make_deterministic
from nao_tf.training.training_directory import TrainingDirectory
from tests.supernets.relaxed.test_relaxed_trainer import NETWORK, make_trainer
from tests.support.told import told
make_deterministic()
config = dataclasses.replace(PRESETS[sys.argv[1]], parameter_learning_rate=0.01)
network = dataclasses.replace(NETWORK, synchronized_norm=True)


def figures(trainer, history):
  names = "train_loss", "valid_loss", "entropy"
  return [[[metrics[name] for name in names] for metrics in history], trainer.strengths.numpy().tolist()]


def trained(distribution):
  trainer = make_trainer(config, distribution=distribution, network=network)
  return figures(trainer, list(trainer.fit()))


def resumed(distribution):
  directory = tempfile.mkdtemp()
  for last_step in (3, None):
    trainer = told(make_trainer(config, distribution=distribution, network=network), last_step)
    try:
      history = TrainingDirectory(directory, trainer, tensorboard=False).fit()
    except KeyboardInterrupt:
      print("stopped")
  return figures(trainer, history)


print(json.dumps([*map(trained, both), *([resumed(both[0])] if sys.argv[2] == "resumed" else [])]))
"""


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("name", ["darts_first"])
def test_a_search_on_images_under_two_replicas_is_that_under_one_and_goes_on_within_an_epoch(name):
  """Two epochs, with the statistics of the whole batch in batch norm; once stopped within the second epoch."""
  two, one, resumed = run(SYNCHRONIZED, name, "resumed")
  assert resumed == two
  np.testing.assert_allclose(two[0], one[0], rtol=1e-4)
  np.testing.assert_allclose(two[1], one[1], atol=1e-4)


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.parametrize(("name", "atol"), [("darts", 1e-3), ("snas", 1e-4), ("gdas", 1e-4)])
def test_other_searches_on_images_under_two_replicas_are_those_under_one(name, atol):
  """Adam makes small gradients as large as others, and so the rounding in the differences that order 2 takes of them."""
  two, one = run(SYNCHRONIZED, name)
  np.testing.assert_allclose(two[0], one[0], rtol=1e-4)
  np.testing.assert_allclose(two[1], one[1], atol=atol)


WITHIN_EPOCH = """
import dataclasses, functools, json, sys, tempfile
import tensorflow as tf
from nao_tf.training.distribution import make_distribution
distribution = make_distribution(2)
from nao_tf.supernets.relaxed.config import PRESETS
from nao_tf.training.determinism import make_deterministic
from tests.supernets.relaxed.test_relaxed_trainer import SPACE, make_trainer
from tests.support.told import searched
make_deterministic()
tf.config.run_functions_eagerly(True)
config = dataclasses.replace(PRESETS[sys.argv[1]], parameter_learning_rate=0.01)


def record(*steps):
  make = functools.partial(make_trainer, config, distribution=distribution)
  stopped, figures, trainer = searched(tempfile.mkdtemp(), SPACE, make, *steps)
  return stopped, figures, trainer.strengths.numpy().tolist()


print(json.dumps([record(), record(1, 3)]))
"""


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("name", ["snas", "gdas", "darts"])
def test_a_search_under_two_replicas_that_is_stopped_within_its_epochs_goes_on_to_the_same_journal(name):
  """Each replica takes the statistics of batch norm for itself, as usual."""
  whole, resumed = run(WITHIN_EPOCH, name)
  assert resumed[0] == [1, 3] and len(whole[1]) == 2 and resumed[1:] == whole[1:]


GRADIENTS = """
import dataclasses, json
import tensorflow as tf
from nao_tf.training.distribution import make_distribution
both = (make_distribution(2), tf.distribute.get_strategy())
from nao_tf.supernets.relaxed.config import PRESETS
from nao_tf.training.determinism import make_deterministic
from tests.supernets.relaxed.test_relaxed_trainer import NETWORK, TRAINING, make_trainer
make_deterministic()
tf.config.run_functions_eagerly(True)
network, training = dataclasses.replace(NETWORK, synchronized_norm=True), dataclasses.replace(TRAINING, learning_rate=0.5)


def gradients(distribution, order):
  config = dataclasses.replace(PRESETS["darts"], order=order, initial_deviation=0.5)
  trainer, found = make_trainer(config, training, distribution=distribution, network=network), []
  trainer._strengths.apply = lambda gradient, _: found.append(gradient.numpy().tolist()) or tf.constant(True)
  trainer._step(next(trainer._training_batches(1)), next(trainer._validation_batches(1)))
  return found


print(json.dumps([[gradients(distribution, order) for order in (1, 2)] for distribution in both]))
"""


@pytest.mark.slow
def test_the_gradient_of_second_order_is_that_of_the_whole_batch():
  """The step of the weights is so large that what the second order adds is most of the gradient."""
  (two_first, two_second), ((one_first,), (one_second,)) = run(GRADIENTS, 2)
  assert np.abs(np.subtract(one_second, one_first)).max() > 10 * np.abs(one_first).max()
  for each_replica, one in ((two_first, one_first), (two_second, one_second)):
    assert len(each_replica) == 2 and each_replica[0] == each_replica[1]
    np.testing.assert_allclose(each_replica[0], one, atol=1e-4 * np.abs(one).max())
