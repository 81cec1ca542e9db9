import numpy as np
import pytest
from tensorflow import keras

from nao_tf.networks.layer_graph import build_model, read_graph
from tests.support import morph_cases

layers = keras.layers


def test_a_model_is_read_and_built_again():
  rng = np.random.default_rng(3)
  model = morph_cases.random_model(rng)
  again = build_model(read_graph(model))
  assert [layer.name for layer in again.layers] == [layer.name for layer in model.layers]
  assert morph_cases.difference(model, again, morph_cases.images_for(model, rng)) == 0.0


def test_several_inputs_and_outputs_keep_their_order():
  first, second = keras.Input((2,), name="first"), keras.Input((3,), name="second")
  left, right = layers.Dense(2, name="left")(second), layers.Dense(2, name="right")(first)
  model = keras.Model([first, second], [left, right])
  graph = read_graph(model)
  assert (graph.inputs, graph.outputs) == (("first", "second"), ("left", "right"))
  ones = [np.ones((1, 2), np.float32), np.ones((1, 3), np.float32)]
  assert all(np.array_equal(a, b) for a, b in zip(model(ones), build_model(graph)(ones)))


def called_twice():
  layer, images = layers.Dense(2, name="shared"), keras.Input((2,))
  return keras.Model(images, layer(layer(images)))


def with_arguments():
  images = keras.Input((2,))
  return keras.Model(images, layers.Dropout(0.5, name="drop")(images, training=True))


def nested():
  images = keras.Input((2,))
  inner = keras.Sequential([keras.Input((2,)), layers.Dense(2)], name="inner")
  return keras.Model(images, inner(images))


@pytest.mark.parametrize(
  ("make", "message"),
  [
    (called_twice, "layer 'shared' is called 2 times; expected once"),
    (with_arguments, "layer 'drop' is called with training; expected its inputs only"),
    (nested, "layer 'inner' is a model in itself"),
    (lambda: keras.Sequential([layers.Dense(2)]), "expected a functional model of Keras"),
    (lambda: "a model", "expected a functional model of Keras, .* got 'a model'"),
  ],
)
def test_models_that_do_not_say_how_they_compute_are_refused(make, message):
  with pytest.raises(ValueError, match=message):
    read_graph(make())
