"""Searches by gradients under several replicas, in a process of its own: logical devices cannot be made later."""

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
