"""A network that is trained with one seed must end with the same bits in every process."""

import subprocess
import sys

import pytest
import tensorflow as tf
from tensorflow.python.framework import config

from tests.support.determinism import deterministic

TRAINING = """
import numpy as np
import tensorflow as tf
from nao_tf.networks.image_network import ImageNetworkConfig
from nao_tf.training.config import TrainingConfig
from nao_tf.training.determinism import make_deterministic
from nao_tf.spaces import make_space
from nao_tf.tasks.image_classification import ImageClassification
from nao_tf.tasks.image_sources import DigitsSource
from nao_tf.tasks.trainers import make_trainer

class Noise(DigitsSource):
  image_shape = (32, 32, 3)

  def load(self, split):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (256, 32, 32, 3)).astype(np.uint8), rng.integers(0, 10, 256).astype(np.int32)

# Sums of many terms: with TensorFlow's defaults nearly every process trains another network.
ARCHITECTURE = (1, 3, 0, 2, 2, 4, 0, 3, 0, 4, 1, 1, 4, 2, 4, 0, 4, 4, 0, 1, 0, 1, 0, 0, 2, 1, 2, 3, 0, 3, 3, 0, 0, 1, 0, 2,
  2, 3, 3, 2)
make_deterministic()
tf.config.threading.set_intra_op_parallelism_threads(1)
space = make_space("nasnet5")
trainer = make_trainer(
  ImageClassification("noise", Noise()),
  space.decode(space.canonical(ARCHITECTURE)),
  ImageNetworkConfig(num_cells=1, filters=8, dropout_keep=1.0, drop_path_keep=1.0, auxiliary=False),
  TrainingConfig(epochs=3, batch_size=64, learning_rate=0.05),
  distribution=tf.distribute.get_strategy(),
  seed=1,
)
print([epoch["train_loss"].hex() for epoch in trainer.fit()])
"""


def test_graphs_are_neither_summed_in_any_order_nor_rewritten_by_arithmetic():
  with deterministic():
    assert config.is_op_determinism_enabled()
    assert tf.config.optimizer.get_experimental_options()["arithmetic_optimization"] is False


@pytest.mark.slow
def test_processes_that_train_with_one_seed_agree():
  commands = [[sys.executable, "-c", TRAINING]] * 3
  processes = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) for command in commands]
  losses = [process.communicate()[0].strip() for process in processes]
  assert losses[0] and losses == [losses[0]] * 3
