import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from nao_tf.networks.image_network import ImageNetworkConfig
from nao_tf.spaces import make_space
from nao_tf.spaces.nasnet import DARTS, NasnetSpace
from nao_tf.supernets.relaxed.config import PRESETS, RelaxedConfig
from nao_tf.supernets.relaxed.relaxed_trainer import make_relaxed_trainer
from nao_tf.training.config import TrainingConfig
from nao_tf.training.training_directory import TrainingDirectory
from tests.support.array_source import array_task
from tests.support.image_cases import without_seconds

pytestmark = pytest.mark.usefixtures("no_graphs")

SPACE = NasnetSpace("small_darts", (DARTS[0], DARTS[2], DARTS[5]), 1, concatenates_nodes=True)
NETWORK = ImageNetworkConfig(num_cells=1, filters=4, convention="darts", auxiliary=False, dropout_keep=1.0)
TRAINING = TrainingConfig(epochs=2, batch_size=8, learning_rate=0.05, nesterov=False, evaluation_batch_size=32)


def small_space():
  return SPACE


def make_task():
  rng = np.random.default_rng(0)
  labels = np.arange(32) % 2
  images = rng.normal(size=(32, 8, 8, 1)) * 20 + 128 + 60 * (labels[:, None, None, None] * 2 - 1)
  return array_task((images.clip(0, 255).astype(np.uint8), labels), validation_fraction=0.5)


def make_trainer(config=PRESETS["darts"], training=TRAINING, distribution=None, space=SPACE, network=NETWORK):
  return make_relaxed_trainer(
    make_task(), space, network, training, config, distribution=distribution or tf.distribute.get_strategy(), seed=3
  )


@pytest.mark.parametrize("name", PRESETS)
def test_a_search_learns_and_derives_an_architecture_of_the_space(name):
  trainer = make_trainer(dataclasses.replace(PRESETS[name], parameter_learning_rate=0.05))
  before = trainer.strengths.numpy()
  history = list(trainer.fit())
  assert [metrics["epoch"] for metrics in history] == [1, 2]
  if trainer.config.mixture == "softmax":  # The losses of samples go up and down.
    assert history[1]["train_loss"] < history[0]["train_loss"]
  assert history[1]["entropy"] < np.log(4) and 0.0 <= history[1]["valid_accuracy"] <= 1.0
  assert np.abs(trainer.strengths.numpy() - before).max() > 0.01
  genotype = trainer.derived()
  assert SPACE.decode(SPACE.encode(genotype)) == genotype


def values_of(trainer):
  """Returns all numbers that a trainer goes on from: weights, their statistics, strengths, both optimizers."""
  state = [trainer.strengths, *trainer.network.variables]
  for optimizer in (trainer.optimizer, trainer.state["parameter_optimizer"]):
    state += optimizer.variables() if callable(optimizer.variables) else optimizer.variables
  return [np.asarray(variable) for variable in state]


@pytest.mark.parametrize(
  "name", ["darts_first", "gdas", *(pytest.param(n, marks=pytest.mark.slow) for n in ("darts", "snas"))]
)
def test_a_search_that_was_killed_within_an_epoch_goes_on_to_the_same_bits(name, tmp_path, deterministic_operations):
  expected = make_trainer(PRESETS[name])
  history = list(expected.fit())
  killed = make_trainer(PRESETS[name])

  def stop():
    if killed.num_steps_done == killed.steps_per_epoch + 1:
      raise KeyboardInterrupt

  with TrainingDirectory(str(tmp_path), killed, checkpoint_seconds=0.0) as directory:
    original, directory._on_step = directory._on_step, lambda *arguments: (original(*arguments), stop())
    with pytest.raises(KeyboardInterrupt):
      directory.fit()
  resumed = make_trainer(PRESETS[name])
  with TrainingDirectory(str(tmp_path), resumed) as directory:
    assert resumed.num_steps_done == resumed.steps_per_epoch + 1
    assert without_seconds(directory.fit()) == without_seconds(history)
  for ours, theirs in zip(values_of(resumed), values_of(expected), strict=True):
    np.testing.assert_array_equal(ours, theirs)


def test_weights_off_the_sampled_path_stay_as_they_are():
  trainer = make_trainer(PRESETS["gdas"], dataclasses.replace(TRAINING, weight_decay=0.0))
  edges = [(cell, edge) for cell in trainer.network.cells for edge in range(len(cell.edges))]

  def weights():
    """Returns the weights of each operation on each edge."""
    return [
      [[v.numpy() for v in cell.edges[edge].operation(number).trainable_variables] for number in range(4)]
      for cell, edge in edges
    ]

  before = weights()
  batches = trainer._training_batches(1), trainer._validation_batches(1)
  trainer._step(*map(next, batches))
  mixture = trainer._strengths.mixture(tf.convert_to_tensor(trainer.strengths), tf.constant(0)).numpy()
  assert set(np.unique(mixture)) == {0.0, 1.0}
  moved = []
  for (cell, edge), old, new in zip(edges, before, weights()):
    sampled = int(mixture[int(cell.plan.reduction), edge].argmax())
    for number in range(4):
      changed = [not np.array_equal(one, other) for one, other in zip(old[number], new[number])]
      assert number == sampled or not any(changed)
      moved += changed
  assert any(moved)


@pytest.mark.parametrize(("name", "is_likeliest"), [("gdas", True), ("snas", True), ("darts_first", False)])
def test_what_is_trained_with_samples_is_evaluated_with_the_likeliest_operations(name, is_likeliest):
  trainer = make_trainer(PRESETS[name])
  strengths = np.random.default_rng(0).normal(size=trainer.strengths.shape).astype(np.float32)
  losses = []
  for values in (strengths, 1e4 * np.eye(strengths.shape[-1])[strengths.argmax(-1)]):
    trainer.strengths.assign(values)
    losses.append(trainer.evaluate("valid")["loss"])
  assert (losses[0] == pytest.approx(losses[1], rel=1e-5)) == is_likeliest


def test_costs_make_the_cells_smaller():
  free, bound = (
    dataclasses.replace(PRESETS["snas"], parameter_learning_rate=0.1, cost_weight=weight) for weight in (0.0, 20.0)
  )
  costs = []
  for config in (free, bound):
    trainer = make_trainer(config)
    list(trainer.fit())
    shares = tf.nn.softmax(trainer.strengths).numpy()
    costs.append(sum(float(np.sum(shares[cell.kind] * cell.costs)) for cell in trainer._cell_costs))
  assert costs[1] < costs[0]


def test_a_collapsed_search_stops_early():
  trainer = make_trainer(RelaxedConfig(order=1, max_identities=1))
  strengths = np.zeros(trainer.strengths.shape, np.float32)
  strengths[..., 2] = 5.0
  trainer.strengths.assign(strengths)
  assert trainer.has_collapsed() and not list(trainer.fit())


@pytest.mark.parametrize(
  "training, config, message",
  [
    (dataclasses.replace(TRAINING, batch_size=40), PRESETS["darts"], "larger validation_fraction"),
    (dataclasses.replace(TRAINING, optimizer="Adam"), PRESETS["darts"], "needs the optimizer SGD"),
    (dataclasses.replace(TRAINING, nesterov=True), PRESETS["darts"], "without nesterov"),
  ],
)
def test_what_cannot_be_searched_is_refused(training, config, message):
  with pytest.raises(ValueError, match=message):
    make_trainer(config, training)


def test_a_space_of_loose_ends_is_refused():
  with pytest.raises(ValueError, match="cells whose output has all nodes"):
    make_trainer(space=make_space("nasnet5"))
