"""Searches by gradients under several replicas, in a process of its own: logical devices cannot be made later."""

import pytest

from tests.supernets.test_distribution import run

PROGRAM = """
import dataclasses, json
import tensorflow as tf
from nao_tf.training.distribution import make_distribution
both = (make_distribution(2), tf.distribute.get_strategy())
from nao_tf.supernets.relaxed.config import PRESETS
from tests.supernets.relaxed import test_relaxed_recurrent as text, test_relaxed_trainer as images
images.NETWORK = dataclasses.replace(images.NETWORK, synchronized_norm=True)
rows = []
for distribution in both:
  for make_trainer in (images.make_trainer, text.make_trainer):
    trainer = make_trainer(PRESETS["darts"], distribution=distribution)
    rows.append([metrics["train_loss"] for metrics in trainer.fit()] + trainer.strengths.numpy().ravel().tolist())
print(json.dumps(rows))
"""


@pytest.mark.slow
def test_a_search_under_two_replicas_is_that_under_one():
  """Norms of images take the statistics of all replicas; those of a recurrent cell see half of the streams in each."""
  images, text, one_images, one_text = run(PROGRAM, 2)
  assert images == pytest.approx(one_images, rel=1e-3, abs=1e-4)
  assert text[:2] == pytest.approx(one_text[:2], rel=0.1)
