import numpy as np
import pytest
import tensorflow as tf

from nao_tf.networks.image_network import ImageNetworkConfig, image_network
from nao_tf.spaces import make_space
from nao_tf.supernets.config import SharingConfig
from nao_tf.supernets.edge_supernet import EdgeSupernet
from nao_tf.supernets.image_supernet_trainer import make_image_supernet_trainer
from nao_tf.supernets.sampling.config import SamplingConfig
from nao_tf.supernets.sampling.samplers import UniformSampler
from nao_tf.supernets.sampling.trainer import make_sampling_trainer
from nao_tf.training.config import TrainingConfig
from tests.support.array_source import array_task

SPACE = make_space("nasbench201")
CONFIG = ImageNetworkConfig(
  num_cells=1, filters=4, convention="nasbench201", auxiliary=False, drop_path_keep=1.0, dropout_keep=1.0
)
CELL = (3, 1, 2, 4, 0, 3)
TRAINING = TrainingConfig(epochs=1, batch_size=8, learning_rate=0.05, evaluation_batch_size=24)


def make_task():
  rng = np.random.default_rng(0)
  labels = np.arange(48) % 2
  images = rng.normal(size=(48, 8, 8, 1)) * 20 + 128 + 60 * (labels[:, None, None, None] * 2 - 1)
  return array_task((images.clip(0, 255).astype(np.uint8), labels), validation_fraction=0.5)


def test_a_path_is_the_separate_network_in_training_and_inference():
  supernet = EdgeSupernet(CONFIG, num_classes=3, image_shape=(8, 8, 3), seed=1)
  network = image_network(SPACE.decode(CELL), CONFIG, num_classes=3, image_shape=(8, 8, 3), seed=2)
  architecture = tf.constant(CELL, tf.int32)
  path = supernet.path(architecture)
  rng = np.random.default_rng(0)
  weights = rng.normal(size=len(path.positions)).astype(np.float32) * 0.3
  statistics = rng.uniform(0.5, 1.5, size=int(tf.reduce_sum(path.statistic_sizes))).astype(np.float32)
  supernet.copy_to(network, weights, statistics)
  assert int(supernet.num_parameters(path)) == network.count_params() - len(statistics)
  images = tf.constant(rng.normal(size=(4, 8, 8, 3)).astype(np.float32))
  shared = supernet.network(architecture, path, tf.constant(weights), tf.constant(statistics))
  for training in (False, True):
    np.testing.assert_allclose(shared(images, training=training), network(images, training=training), 1e-3, 1e-3)


def test_a_path_of_another_architecture_does_not_fit_a_network():
  supernet = EdgeSupernet(CONFIG, num_classes=3, image_shape=(8, 8, 3))
  network = image_network(SPACE.decode(CELL), CONFIG, num_classes=3, image_shape=(8, 8, 3))
  with pytest.raises(ValueError, match="got a path with 7"):
    supernet.copy_to(network, np.zeros(7, np.float32))


def test_an_auxiliary_head_is_refused():
  with pytest.raises(ValueError, match="auxiliary"):
    EdgeSupernet(ImageNetworkConfig(num_cells=1, filters=4, convention="nasbench201"))


def test_a_step_trains_only_the_weights_on_its_path():
  trainer = make_image_supernet_trainer(
    make_task(), SPACE, CONFIG, TRAINING, SharingConfig(), distribution=tf.distribute.get_strategy(), seed=3
  )
  before = trainer.weights.vector.numpy()
  trainer.start_round([CELL], 1)
  list(trainer.fit())
  moved = np.flatnonzero(trainer.weights.vector.numpy() != before)
  positions = trainer.supernet.path(tf.constant(CELL, tf.int32)).positions.numpy()
  assert len(moved) and set(moved) <= set(positions)
  assert 0.0 <= trainer.score(CELL)["accuracy"] <= 1.0
  network = image_network(SPACE.decode(CELL), CONFIG, num_classes=2, image_shape=(8, 8, 1))
  assert trainer.num_parameters(CELL) == sum(int(np.prod(weight.shape)) for weight in network.trainable_weights)


def test_a_policy_searches_the_cells():
  config = SamplingConfig(policy_steps=1, samples_per_step=2, epoch_samples=2, final_samples=2, units=8)
  trainer = make_sampling_trainer(
    make_task(),
    SPACE,
    CONFIG,
    TRAINING,
    config,
    SharingConfig(),
    distribution=tf.distribute.get_strategy(),
    seed=3,
  )
  (metrics,) = trainer.fit()
  assert 0.0 <= metrics["mean_reward"] <= 1.0
  SPACE.validate(trainer.architecture())
  (share, *_), drawn = trainer.shares(), list(trainer.drawn())
  assert share.choices == ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3") and len(drawn) == 1


def test_distinct_inputs_leave_all_cells_as_they_are():
  draws = [UniformSampler(SPACE, seed=1, distinct_inputs=distinct).sample(20, (0, 0)) for distinct in (False, True)]
  assert draws[0] == draws[1]
