import collections

import numpy as np
import pytest
from tensorflow import keras

from nao_tf.networks.morphisms import add_skip, calibrated, concat_skip, deeper, wider
from tests.support import morph_cases

TOLERANCE = 1e-5
NUM_CHAINS, LENGTH = 200, 5
layers = keras.layers


def make_model():
  """A network with a residual sum, a pool, a norm, a depthwise convolution, and dense layers on a flattened map."""
  images = keras.Input((6, 6, 2), name="images")
  first = layers.Conv2D(3, 3, padding="same", activation="relu", name="first")(images)
  second = layers.Conv2D(3, 3, padding="same", use_bias=False, name="second")(first)
  normed = layers.ReLU(name="relu")(layers.BatchNormalization(name="norm")(second))
  total = layers.Add(name="sum")([first, normed])
  pooled = layers.MaxPooling2D(2, name="pool")(total)
  deep = layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2, name="depthwise")(pooled)
  both = layers.Concatenate(name="both")([deep, pooled])
  third = layers.SeparableConv2D(4, 3, padding="same", activation="tanh", name="third")(both)
  hidden = layers.Dense(5, activation="relu", name="hidden")(layers.Flatten(name="flat")(third))
  return keras.Model(images, layers.Dense(3, activation="softmax", name="probabilities")(hidden), name="example")


@pytest.fixture(scope="module")
def model():
  model = make_model()
  morph_cases.randomize(model, np.random.default_rng(0))
  return model


@pytest.fixture(scope="module")
def images():
  return np.random.default_rng(1).normal(size=(4, 6, 6, 2)).astype(np.float32)


def check_kept(model, morphed, images):
  assert morph_cases.difference(model, morphed, images) < TOLERANCE
  assert morphed.count_params() > model.count_params()


@pytest.mark.parametrize("after", ["first", "norm", "pool", "third", "flat", "hidden"])
def test_a_deeper_network_computes_the_same(model, images, after):
  check_kept(model, deeper(model, after, kernel_size=3), images)


def test_a_new_layer_has_a_relu_where_nothing_is_negative_and_else_one_that_keeps_negative_values(model):
  names = {layer.name: type(layer) for layer in deeper(model, "first", name="new").layers}
  assert names["new-relu"] is layers.ReLU and names["new-norm"] is layers.BatchNormalization
  names = {layer.name: type(layer) for layer in deeper(model, "third", name="new", normalized=False).layers}
  assert names["new-relu"] is layers.PReLU and "new-norm" not in names


@pytest.mark.parametrize("layer", ["first", "second", "hidden"])
def test_a_wider_network_computes_the_same(model, images, layer):
  check_kept(model, wider(model, layer, 7), images)


def test_layers_whose_outputs_are_added_become_wider_together(model):
  morphed = wider(model, "second", 7)
  assert [morphed.get_layer(name).filters for name in ("first", "second")] == [7, 7]


def test_copies_have_different_shares_so_they_become_different_in_training(model):
  kernel = wider(model, "hidden", 10).get_layer("probabilities").get_weights()[0]
  assert len(np.unique(kernel.round(6), axis=0)) == 10


@pytest.mark.parametrize(
  ("start", "end"), [("first", "norm"), ("first", "pool"), ("first", "hidden"), ("pool", "third"), ("flat", "hidden")]
)
def test_an_added_skip_connection_changes_nothing_at_first(model, images, start, end):
  check_kept(model, add_skip(model, start, end), images)


@pytest.mark.parametrize(("start", "end"), [("first", "second"), ("relu", "hidden"), ("flat", "probabilities")])
def test_a_concatenated_skip_connection_changes_nothing_at_first(model, images, start, end):
  check_kept(model, concat_skip(model, start, end), images)


def test_the_first_model_is_not_changed(model, images):
  before = [weight.copy() for weight in model.get_weights()]
  wider(model, "first", 7)
  assert all(np.array_equal(*pair) for pair in zip(before, model.get_weights()))


def test_a_calibrated_norm_changes_nothing_in_training_either(images):
  inputs = keras.Input((6, 6, 2))
  conv = layers.Conv2D(3, 3, activation="relu", name="conv")(inputs)
  model = keras.Model(inputs, layers.Dense(2)(layers.Flatten()(conv)))
  morphed = deeper(model, "conv", name="new")
  expected = np.asarray(model(images))
  assert np.abs(np.asarray(morphed(images, training=True)) - expected).max() > 0.01
  calibrated(morphed, ["new-norm"], images)
  assert morph_cases.difference(model, morphed, images) < TOLERANCE
  np.testing.assert_allclose(morphed(images, training=True), expected, atol=1e-4)


def test_a_sequential_model_becomes_a_functional_one(images):
  model = keras.Sequential(
    [keras.Input((6, 6, 2)), layers.Conv2D(3, 3, name="conv"), layers.Flatten(), layers.Dense(2)]
  )
  check_kept(model, wider(model, "conv", 5), images)


@pytest.mark.parametrize("seed", range(3))
def test_a_random_chain_keeps_the_function(seed):
  run_chain(seed, collections.Counter())


@pytest.mark.slow
def test_many_random_chains_keep_the_function():
  counts: collections.Counter = collections.Counter()
  worst = max(run_chain(seed, counts) for seed in range(NUM_CHAINS))
  print(f"{NUM_CHAINS} chains of {LENGTH}: {dict(counts)}, largest difference {worst:.3g}")
  assert min(counts[kind] for kind in ("deeper", "wider", "add_skip", "concat_skip")) > NUM_CHAINS / 4


def run_chain(seed, counts):
  rng = np.random.default_rng(seed)
  model = morphed = morph_cases.random_model(rng)
  for _ in range(LENGTH):
    kind, morphed = morph_cases.random_morphism(morphed, rng)
    counts[kind] += 1
  found = morph_cases.difference(model, morphed, morph_cases.images_for(model, rng))
  assert found < TOLERANCE
  return found


def softmax_between():
  images = keras.Input((4, 4, 1))
  hidden = layers.Dense(3, activation="softmax", name="mixed")(layers.Flatten(name="flat")(images))
  return keras.Model(images, layers.Dense(2, name="last")(hidden), name="odd")


@pytest.mark.parametrize(
  ("change", "message"),
  [
    (lambda model: deeper(model, "nowhere"), "the model 'odd' has no layer 'nowhere'; it has"),
    (lambda model: wider(model, "flat", 5), "expected a Conv2D or Dense layer, got a Flatten"),
    (lambda model: wider(model, "last", 2), "expected more than its 2 channels, got 2"),
    (lambda model: wider(model, "last", 3), "'last' is an output of the model"),
    (lambda model: wider(model, "mixed", 5), "its activation is softmax"),
    (lambda model: add_skip(model, "last", "flat"), "must lead to a later layer, but 'last' depends on 'flat'"),
    (lambda model: concat_skip(model, "mixed", "flat"), "must lead to a later layer"),
    (lambda model: concat_skip(model, "flat", "flat"), "must lead to a later layer"),
    (lambda model: deeper(model, model.layers[0].name, kernel_size=2), "kernel_size must be odd and at least 1, got 2"),
    (
      lambda model: deeper(deeper(model, "flat", name="x"), "flat", name="x"),
      "already has a layer 'x-dense'; choose another name",
    ),
  ],
)
def test_what_is_not_possible_is_refused(change, message):
  with pytest.raises(ValueError, match=message):
    change(softmax_between())


def test_a_sum_with_the_input_of_the_model_cannot_become_wider():
  images = keras.Input((4, 4, 3), name="images")
  total = layers.Add(name="sum")([images, layers.Conv2D(3, 1, name="conv")(images)])
  model = keras.Model(images, layers.Dense(2)(layers.Flatten()(total)))
  with pytest.raises(ValueError, match="'conv' cannot become wider: its output is joined with that of 'images'"):
    wider(model, "conv", 5)


def test_a_skip_connection_to_a_higher_resolution_is_refused():
  images = keras.Input((4, 4, 1))
  low = layers.MaxPooling2D(2, name="low")(images)
  high = layers.Conv2D(1, 1, name="high")(layers.UpSampling2D(2, name="up")(low))
  with pytest.raises(ValueError, match="layer 'low' with the size 2x2 cannot be joined with layer 'high' of 4x4"):
    add_skip(keras.Model(images, high), "low", "high")
