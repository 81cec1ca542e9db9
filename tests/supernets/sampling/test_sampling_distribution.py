"""Searches by sampling under several replicas, in processes of their own: logical devices cannot be made later."""

import numpy as np
import pytest

from tests.supernets.test_distribution import run

PROGRAM = """
import dataclasses, json, sys
import tensorflow as tf
from nao_tf.training.distribution import make_distribution
both = (make_distribution(2), tf.distribute.get_strategy())
from nao_tf.training.determinism import make_deterministic
from tests.supernets.sampling import test_trainer as cases
make_deterministic()
config = {"enas": cases.ENAS, "random_ws": cases.RANDOM}[sys.argv[1]]


def searched(distribution):
  trainer = cases.text_trainer(config, distribution=distribution)
  names = "train_loss", "valid_loss", "entropy", "mean_reward"
  history = [[metrics.get(name, 0.0) for name in names] for metrics in trainer.fit()]
  drawn = [[architecture, metrics["valid_loss"]] for architecture, metrics in trainer.drawn()]
  policy = [] if sys.argv[1] == "random_ws" else trainer.sampler.policy.trainable_variables
  return history, drawn, [variable.numpy().tolist() for variable in policy], trainer.architecture()


print(json.dumps([*map(searched, both)]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["enas", "random_ws"])
def test_a_search_on_a_text_under_two_replicas_is_that_under_one(name):
  two, one = run(PROGRAM, name)
  np.testing.assert_allclose(two[0], one[0], rtol=1e-4)
  assert [row[0] for row in two[1]] == [row[0] for row in one[1]] and two[3] == one[3]
  np.testing.assert_allclose([row[1] for row in two[1]], [row[1] for row in one[1]], rtol=1e-4)
  for ours, theirs in zip(two[2], one[2], strict=True):
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


IMAGES = """
import functools, json, sys, tempfile
import tensorflow as tf
from nao_tf.training import distribution as distributions
both = (distributions.make_distribution(2), tf.distribute.get_strategy())
from nao_tf.supernets import image_supernet_trainer, minibatches
from nao_tf.training.determinism import make_deterministic
from tests.supernets.sampling import test_trainer as cases
from tests.support.told import searched
make_deterministic()
tf.config.run_functions_eagerly(True)
config = {"enas": cases.ENAS, "random_ws": cases.RANDOM}[sys.argv[1]]
distributed = distributions.distributed


def with_equal_halves(dataset, distribution):
  halves = dataset.map(lambda *parts: tuple(tf.concat([part[: part.shape[0] // 2]] * 2, 0) for part in parts))
  return distributed(halves, distribution)


image_supernet_trainer.distributed = minibatches.distributed = with_equal_halves


def record(distribution, *steps):
  make = functools.partial(cases.image_trainer, config, distribution=distribution)
  stopped, figures, trainer = searched(tempfile.mkdtemp(), cases.SPACE, make, *steps)
  policy = [] if sys.argv[1] == "random_ws" else trainer.sampler.policy.trainable_variables
  return stopped, figures, [variable.numpy().tolist() for variable in policy]


print(json.dumps([record(both[0]), record(both[1]), record(both[0], *map(int, sys.argv[2].split(",")))]))
"""


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.parametrize(("name", "steps"), [("enas", (6, 8)), ("random_ws", (3,))])
def test_a_search_on_images_under_two_replicas_is_that_under_one_and_goes_on_within_an_epoch(name, steps):
  """Both halves of each batch are equal here, so that each replica sees the means and variances of the whole batch.

  What is scored has averages of unbiased variances, and these depend a little on how many examples a replica has.
  """
  two, one, resumed = run(IMAGES, name, ",".join(map(str, steps)))
  assert resumed[0] == list(steps) and resumed[1:] == two[1:]
  assert [architecture for architecture, _ in two[1]] == [architecture for architecture, _ in one[1]]
  for (_, ours), (_, theirs) in zip(two[1], one[1], strict=True):
    assert ours.pop("loss") == pytest.approx(theirs.pop("loss"), rel=1e-3)
    assert ours == pytest.approx(theirs, rel=1e-4)
  for ours, theirs in zip(two[2], one[2], strict=True):
    np.testing.assert_allclose(ours, theirs, atol=1e-4)
