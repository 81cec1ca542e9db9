"""Searches by gradients under several replicas, in a process of its own: logical devices cannot be made later."""

import numpy as np
import pytest

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
    trainer = make_trainer(config, distribution=distribution, network=network)
    fit = trainer.fit

    def stopping(*, on_step):
      def then():
        on_step()
        if trainer.num_steps_done == last_step:
          raise KeyboardInterrupt
      return fit(on_step=then)

    trainer.fit = stopping
    try:
      history = TrainingDirectory(directory, trainer, tensorboard=False).fit()
    except KeyboardInterrupt:
      print("stopped")
  return figures(trainer, history)


print(json.dumps([*map(trained, both), resumed(both[0])]))
"""


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("name", ["darts_first"])
def test_a_search_on_images_under_two_replicas_is_that_under_one_and_goes_on_within_an_epoch(name):
  """Two epochs, with the statistics of the whole batch in batch norm; once stopped within the second epoch."""
  two, one, resumed = run(SYNCHRONIZED, name)
  assert resumed == two
  np.testing.assert_allclose(two[0], one[0], rtol=1e-4)
  np.testing.assert_allclose(two[1], one[1], atol=1e-4)
