"""The image network: published sizes, training, inference, export."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from nao_tf.networks import image_network as networks
from nao_tf.networks.conventions import CONVENTIONS
from nao_tf.networks.image_costs import AUXILIARY_HEAD, ImageCosts
from nao_tf.networks.image_network import ImageNetworkConfig, count_parameters, image_network
from nao_tf.networks.parameter_counts import num_parameters
from nao_tf.spaces import published
from nao_tf.spaces.genotypes import Branch, Cell, CellGenotype, Node

PLAIN = ImageNetworkConfig(num_cells=1, filters=4, auxiliary=False, drop_path_keep=1.0, dropout_keep=1.0)
WITH_HEAD = dataclasses.replace(PLAIN, auxiliary=True)
CELLS = {name: cell.genotype for name, cell in published.CELLS.items()}
TOY = CellGenotype(
  Cell((Node(Branch("sep3x3", 0), Branch("identity", 1)),)), Cell((Node(Branch("max3x3", 1), Branch("conv3x3", 1)),))
)
LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def images(batch=4, shape=(8, 8, 1), seed=0):
  return np.random.default_rng(seed).normal(size=(batch, *shape)).astype(np.float32)


def labels(batch=4):
  return np.arange(batch) % 3


def make(config=PLAIN, seed=1):
  return image_network(TOY, config, num_classes=3, image_shape=(8, 8, 1), seed=seed)


def compiled(network, learning_rate=0.1):
  network.compile(keras.optimizers.SGD(learning_rate), LOSS, metrics=["accuracy"], jit_compile=False)
  return network


# Trainable parameters as measured on the published networks: without and with the auxiliary head.
CIFAR_SIZES = [
  ("NAONet-A", "nao", 6, 36, 10, 11_523_214, 11_981_208),
  ("NAONet-A", "nao", 6, 36, 100, 11_562_184, None),
  ("NAONet-A", "nao", 3, 32, 10, 4_964_522, 5_416_372),
  ("NAONet-A-torch", "torch", 6, 36, 10, 11_470_150, 11_946_576),
  ("NAONet-A-torch", "torch", 6, 36, 100, 11_509_120, None),
  ("NAONet-A-torch", "torch", 3, 32, 10, 4_922_602, None),
  ("NAONet-B", "torch", 5, 36, 10, 2_492_902, 2_950_896),
  ("NAONet-B", "torch", 6, 36, 10, 2_921_302, None),
  ("NAONet-WS", "nao_ws", 5, 36, 10, 2_466_252, 2_942_668),
  ("NAONet-WS", "torch", 5, 36, 10, 2_301_310, 2_777_736),
  ("NAONet-V2", "torch", 6, 36, 10, 4_387_654, 4_864_080),
]
IMAGENET_SIZES = [
  ("NAONet-A-torch", 42, 11_353_831, 12_603_855),
  ("NAONet-V2", 52, 7_026_850, 8_297_354),
]
LARGE_SIZES = [
  ("NAONet-A", "nao", 64, 10, 36_353_866, 36_854_868),
  ("NAONet-A", "nao", 128, 10, 145_247_882, 145_847_188),
  ("NAONet-A", "nao", 128, 100, 145_386_212, None),
  ("NAONet-A-torch", "torch", 64, 10, 36_186_058, None),
  ("NAONet-A-torch", "torch", 128, 10, 144_576_394, 145_241_236),
  ("NAONet-A-torch", "torch", 128, 100, 144_714_724, None),
]


ROWS = [
  *(
    (name, ImageNetworkConfig(cells, filters, key), classes, *sizes)
    for name, key, cells, filters, classes, *sizes in CIFAR_SIZES
  ),
  *(
    (name, ImageNetworkConfig(4, filters, "torch", stem="imagenet"), 1000, *sizes)
    for name, filters, *sizes in IMAGENET_SIZES
  ),
  *(
    (name, ImageNetworkConfig(6, filters, key), classes, *sizes) for name, key, filters, classes, *sizes in LARGE_SIZES
  ),
]


def image_shape(config):
  return (224, 224, 3) if config.stem == "imagenet" else (32, 32, 3)


@pytest.mark.parametrize(("name", "config", "num_classes", "size", "full_size"), ROWS)
def test_published_sizes(name, config, num_classes, size, full_size):
  """By arithmetic, which `test_image_costs` holds against networks that are built."""
  parts = ImageCosts(config, image_shape(config), num_classes).parts(CELLS[name])
  sizes = {part.name: part.parameters for part in parts}
  assert sum(sizes.values()) - sizes[AUXILIARY_HEAD] == size
  assert full_size is None or sum(sizes.values()) == full_size


def slow_if_large(row):
  """Leaves in one network of few cells: `test_image_costs` has small ones of every convention."""
  return pytest.param(*row, marks=() if row[1].num_cells == 3 and row[-1] else pytest.mark.slow)


@pytest.mark.parametrize(("name", "config", "num_classes", "size", "full_size"), map(slow_if_large, ROWS))
def test_networks_that_are_built_have_the_published_sizes(name, config, num_classes, size, full_size):
  with tf.Graph().as_default():
    network = image_network(CELLS[name], config, num_classes=num_classes, image_shape=image_shape(config))
    assert num_parameters(network.classifier) == size
    assert full_size is None or num_parameters(network) == full_size


def test_counting_allocates_nothing_and_agrees():
  network = make(WITH_HEAD)
  arguments = {"num_classes": 3, "image_shape": (8, 8, 1)}
  assert count_parameters(TOY, WITH_HEAD, **arguments) == num_parameters(network.classifier)
  assert count_parameters(TOY, WITH_HEAD, auxiliary=True, **arguments) == num_parameters(network)
  assert tf.executing_eagerly()


@pytest.mark.parametrize("name", ["DARTS-V2", "SNAS-aggressive", "NASNet-A", "PNASNet-5", "AmoebaNet-A"])
def test_cells_with_stated_outputs_train(name):
  config = dataclasses.replace(WITH_HEAD, convention=published.CELLS[name].convention, drop_path_keep=0.9)
  network = compiled(image_network(CELLS[name], config, num_classes=3, image_shape=(8, 8, 1)))
  network.run_eagerly = True  # A single step.
  before = network.get_weights()
  history = network.fit(images(), labels(), verbose=0)
  assert np.isfinite(history.history["loss"]).all()
  assert all(np.any(old != new) for old, new in zip(before[:3], network.get_weights()))


def test_the_cell_after_a_reduction_skips_it_where_the_convention_says_so():
  plans = {name: networks.plan_cells(ImageNetworkConfig(2, 4, name)) for name in ("slim", "slim_large")}
  assert [plan.inputs for plan in plans["slim"]] == [(i, i + 1) for i in range(8)]
  assert [plan.inputs[0] for plan in plans["slim_large"]] == [0, 1, 2, 2, 4, 5, 5, 7]


def test_a_reduction_cell_is_one_of_its_stage_where_the_convention_says_so():
  plan = networks.plan_cells(ImageNetworkConfig(2, 4, "pnas"))
  assert [(row.filters, row.reduction) for row in plan] == [
    (4, False), (4, False), (8, True), (8, False), (16, True), (16, False)
  ]  # fmt: skip


def test_the_stack_is_three_stages_of_doubling_filters():
  plan = networks.plan_cells(ImageNetworkConfig(2, 5))
  assert [(row.filters, row.reduction) for row in plan] == [
    *[(5, False)] * 2,
    (10, True),
    *[(10, False)] * 2,
    (20, True),
    *[(20, False)] * 2,
  ]


def test_the_imagenet_stem_of_the_first_release_has_two_reduction_cells_of_a_quarter_and_half_the_filters():
  plan = networks.plan_cells(ImageNetworkConfig(1, 8, stem="imagenet"))
  assert [(row.filters, row.reduction) for row in plan[:3]] == [(2, True), (4, True), (8, False)]
  network = image_network(
    CELLS["NAONet-A"], ImageNetworkConfig(1, 8, stem="imagenet"), num_classes=3, image_shape=(64, 64, 3)
  )
  assert tuple(network(images(1, (64, 64, 3))).shape) == (1, 3)
  assert network.classifier.cell_shapes[1][1] == 8


@pytest.mark.parametrize(("name", "convention"), [(name, cell.convention) for name, cell in published.CELLS.items()])
def test_published_cells_work_on_small_images(name, convention):
  """Every convention has its turn below, and in `test_plain_network` its answers are compared."""
  network = image_network(
    CELLS[name], dataclasses.replace(PLAIN, convention=convention), num_classes=3, image_shape=(8, 8, 1)
  )
  assert tuple(network(images(2)).shape) == (2, 3)


@pytest.mark.parametrize(
  ("shape", "convention"),
  [
    *((shape, key) for shape in ((1, 4, 1), (9, 12, 3)) for key in CONVENTIONS),
    *((shape, key) for shape in ((8, 8, 1), (28, 28, 1)) for key in ("nao", "torch", "pnas")),  # Heads in three places.
  ],
)
def test_small_images_work_with_an_auxiliary_head(shape, convention):
  network = image_network(TOY, dataclasses.replace(WITH_HEAD, convention=convention), num_classes=3, image_shape=shape)
  outputs = network(images(2, shape), training=True)
  assert {key: tuple(value.shape) for key, value in outputs.items()} == {"logits": (2, 3), "auxiliary": (2, 3)}


def test_inference_gives_logits_alone_and_does_not_depend_on_the_auxiliary_head():
  network = make(WITH_HEAD)
  before = network(images())
  for weight in network.auxiliary_head.trainable_weights:
    weight.assign(weight * np.nan)
  np.testing.assert_array_equal(network(images()), before)
  np.testing.assert_array_equal(network.classifier(images()), before)
  operations = tf.function(lambda x: network(x, training=False)).get_concrete_function(images()).graph.get_operations()
  assert not any("auxiliary" in operation.name for operation in operations)


def test_a_network_is_a_function_of_genotype_config_and_seed():
  state = tf.random.get_global_generator().state.numpy()
  first, second, other = (make(WITH_HEAD, seed=seed) for seed in (1, 1, 2))
  for a, b in zip(first.get_weights(), second.get_weights()):
    np.testing.assert_array_equal(a, b)
  assert np.abs(first(images()) - other(images())).max() > 1e-3
  np.testing.assert_array_equal(tf.random.get_global_generator().state.numpy(), state)


def test_training_draws_are_a_function_of_seed_and_step():
  network = make(dataclasses.replace(PLAIN, drop_path_keep=0.5, dropout_keep=0.5))
  first, again, next_step = (network(images(), training=True, step=step).numpy() for step in (3, 3, 4))
  np.testing.assert_array_equal(first, again)
  assert np.abs(first - next_step).max() > 1e-3


def test_drop_path_starts_with_nothing_dropped_and_grows_with_step_and_depth():
  """A share of n = 20000 factors 1 / keep has sigma sqrt(keep (1 - keep) / n) <= 0.0036; bound: 5 sigma."""
  classifier = make(dataclasses.replace(PLAIN, drop_path_keep=0.6, drop_path_steps=100)).classifier
  for index, step, keep in ((4, 0, 1.0), (4, 50, 0.8), (4, 100, 0.6), (4, 900, 0.6), (0, 100, 0.92), (1, 50, 0.92)):
    masks = classifier.draws.masks(index, 4, 2000, step).numpy()
    assert (masks > 0).mean() == pytest.approx(keep, abs=5 * 0.0036)
    assert masks.max() == pytest.approx(1 / keep)


def test_training_without_a_step_is_refused_where_one_is_needed():
  assert make()(images(), training=True) is not None
  with pytest.raises(ValueError, match="need the training step: compile the network, or call it with step="):
    make(dataclasses.replace(PLAIN, drop_path_keep=0.5))(images(), training=True)


@pytest.mark.parametrize(("auxiliary", "epochs"), [(False, 3), (True, 8)])
def test_fit_learns_and_keeps_the_logits_metric(auxiliary, epochs):
  config = dataclasses.replace(PLAIN, auxiliary=auxiliary, drop_path_keep=0.9, drop_path_steps=10, dropout_keep=0.9)
  network = compiled(make(config))
  network.run_eagerly = not auxiliary  # One graph is enough: the other one would have less.
  options = {"batch_size": 8, "epochs": epochs, "validation_data": (images(), labels()), "verbose": 0}
  history = network.fit(images(24), labels(24), **options)
  assert set(history.history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
  assert history.history["loss"][-1] < history.history["loss"][0]
  assert network.predict(images(), verbose=0).shape == (4, 3)


def test_the_loss_is_that_of_the_logits_plus_the_weighted_auxiliary_one():
  network = compiled(make(WITH_HEAD))
  outputs = {"logits": tf.constant([[1.0, 2, 3]] * 4), "auxiliary": tf.constant([[3.0, 1, 2]] * 4)}
  expected = LOSS(labels(), outputs["logits"]) + 0.4 * LOSS(labels(), outputs["auxiliary"])
  loss = network.compute_loss(x=images(), y=tf.constant(labels()), y_pred=outputs)
  assert float(loss) == pytest.approx(float(expected), rel=1e-5)


def test_the_auxiliary_head_trains(no_graphs):
  network = compiled(make(WITH_HEAD))
  before = [weight.numpy() for weight in network.auxiliary_head.trainable_weights]
  network.fit(images(), labels(), verbose=0)
  for old, weight in zip(before, network.auxiliary_head.trainable_weights):
    assert np.any(old != weight.numpy())


def test_training_does_not_retrace():
  network = compiled(make(dataclasses.replace(PLAIN, drop_path_keep=0.5, drop_path_steps=5)))
  network.run_eagerly = True  # Makes the variables of the optimizer.
  network.fit(images(), labels(), verbose=0)
  step = tf.function(network.train_step)
  batch = (tf.constant(images()), tf.constant(labels()))
  for _ in range(3):
    step(batch)
  assert step.experimental_get_tracing_count() == 1


def test_the_auxiliary_head_reads_the_cell_that_the_convention_says():
  for convention, index in (("nao", 4), ("nao_ws", 4), ("torch", 3), ("darts", 3), ("slim", 2), ("pnas", 1)):
    network = make(dataclasses.replace(WITH_HEAD, convention=convention))
    channels = network.classifier.cell_shapes[index][-1]
    assert network.auxiliary_head.convolutions.chained[0].kernel.shape[2] == channels


def test_the_inference_model_shares_the_classifier_and_nothing_else():
  network = make(WITH_HEAD)
  model = networks.inference_model(network)
  np.testing.assert_allclose(model(images()), network(images()), atol=1e-6)
  assert {id(weight) for weight in model.weights} == {id(weight) for weight in network.classifier.weights}


def test_the_inference_model_exports_for_any_batch_size(tmp_path):
  network = make(dataclasses.replace(WITH_HEAD, drop_path_keep=0.5, dropout_keep=0.5))
  networks.inference_model(network).export(str(tmp_path))
  loaded = tf.saved_model.load(str(tmp_path))
  for batch in (1, 3):
    np.testing.assert_allclose(loaded.serve(images(batch)), network(images(batch)), atol=1e-5)
  names = {name for name, _ in tf.train.list_variables(str(tmp_path / "variables" / "variables"))}
  assert not any("auxiliary" in name for name in names)


def test_a_checkpoint_restores_every_weight(tmp_path):
  first, second = make(WITH_HEAD, seed=1), make(WITH_HEAD, seed=2)
  path = tf.train.Checkpoint(network=first).write(str(tmp_path / "checkpoint"))
  tf.train.Checkpoint(network=second).read(path).assert_existing_objects_matched()
  for a, b in zip(first.get_weights(), second.get_weights()):
    np.testing.assert_array_equal(a, b)


@pytest.mark.slow
def test_two_replicas_with_synchronized_norm_train_like_one_device():
  """In a process of its own: logical devices cannot be made once TensorFlow is in use."""
  result = subprocess.run([sys.executable, "-c", REPLICAS], capture_output=True, text=True, check=False)
  assert result.returncode == 0, result.stderr[-2000:]


REPLICAS = """
import dataclasses
import numpy as np
import tensorflow as tf
from tests.networks import test_image_network as t

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)

def trained(distribution, **options):
  with distribution.scope():
    network = t.compiled(t.make(dataclasses.replace(t.WITH_HEAD, **options)), learning_rate=0.001)
  network.fit(t.images(16), t.labels(16), batch_size=8, shuffle=False, verbose=0)
  return network.get_weights()

mirrored = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
for one, two in zip(trained(tf.distribute.get_strategy()), trained(mirrored, synchronized_norm=True)):
  np.testing.assert_allclose(one, two, rtol=1e-3, atol=1e-3)
trained(mirrored, drop_path_keep=0.5, dropout_keep=0.5)
"""


@pytest.mark.parametrize(
  ("options", "message"),
  [
    ({"num_cells": 0}, "num_cells must be at least 1, got 0"),
    ({"filters": 0}, "filters must be at least 1, got 0"),
    ({"drop_path_keep": 0.0}, r"drop_path_keep must be in \(0, 1\], got 0.0"),
    ({"dropout_keep": 1.5}, r"dropout_keep must be in \(0, 1\], got 1.5"),
    ({"drop_path_steps": -1}, "drop_path_steps must be at least 0, got -1"),
    ({"convention": "jax"}, f"convention must be one of {', '.join(CONVENTIONS)}, got 'jax'"),
    ({"stem": "imagenet", "filters": 3}, "the imagenet stem needs at least 4 filters, got 3"),
    ({"stem": "mnist"}, "stem must be one of cifar, imagenet, got 'mnist'"),
  ],
)
def test_a_wrong_setting_is_named(options, message):
  with pytest.raises(ValueError, match=message):
    ImageNetworkConfig(**options)
