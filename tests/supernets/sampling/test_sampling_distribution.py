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
