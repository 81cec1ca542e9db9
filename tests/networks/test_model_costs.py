"""Costs of models of Keras, which are there already."""

import numpy as np
import pytest
from tensorflow import keras

import nao_tf
from nao_tf.networks.model_costs import model_parts

SMALL = {"num_cells": 1, "filters": 4}


def trainable(model):
  return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


@pytest.mark.parametrize("name", ["NAONet-B", "DARTS-V2", "PNASNet-5"])
def test_a_built_network_costs_what_its_genotype_says(name):
  model = nao_tf.build(name, num_classes=10, input_shape=(16, 16, 3), **SMALL)
  described, said = nao_tf.describe(model), nao_tf.describe(name, input_shape=(16, 16, 3), **SMALL)
  assert described.parameters == said.parameters == trainable(model)
  assert described.multiply_adds == said.multiply_adds
  cells = {part.name: part for part in described.parts}
  for number, part in enumerate(part for part in said.parts if part.name.startswith("cell")):
    mine = cells[f"cell_{number}"]
    assert (mine.parameters, mine.multiply_adds) == (part.parameters, part.multiply_adds)


def layered():
  return keras.Sequential(
    [
      keras.layers.Input((8, 6, 3)),
      keras.layers.Conv2D(4, 3, strides=2, padding="same", name="first"),
      keras.layers.ReLU(),
      keras.layers.SeparableConv2D(5, 3, padding="valid", name="second"),
      keras.layers.Conv2DTranspose(2, 2, strides=2, name="third"),
      keras.layers.Flatten(),
      keras.layers.Dense(7, name="last"),
    ]
  )


def test_each_layer_costs_what_arithmetic_says():
  parts = {part.name: part for part in model_parts(layered())}
  assert parts["first"] == ("first", (4, 3, 4), 3 * 3 * 3 * 4 + 4, 4 * 3 * 108, 8 * 6 * 3 + 4 * 3 * 4)
  assert parts["second"].multiply_adds == 2 * 1 * (9 * 4 + 4 * 5) and parts["second"].shape == (2, 1, 5)
  assert parts["third"].multiply_adds == 2 * 1 * (2 * 2 * 2 * 5) and parts["third"].shape == (4, 2, 2)
  assert parts["last"].multiply_adds == 16 * 7 and parts["last"].parameters == 16 * 7 + 7
  assert parts["last"].values == 16 + 7


def test_a_branch_is_in_memory_until_it_is_read():
  images = keras.layers.Input((4, 4, 2))
  left = keras.layers.Conv2D(3, 1, name="left")(images)
  right = keras.layers.Conv2D(5, 1, name="right")(images)
  joined = keras.layers.Concatenate(name="joined")([keras.layers.ReLU()(left), right])
  parts = {p.name: p for p in model_parts(keras.Model(images, keras.layers.Conv2D(1, 1, name="end")(joined)))}
  assert parts["right"].values == 16 * (2 + 3 + 5) and parts["end"].values == 16 * (8 + 1)


def test_models_in_models_and_recurrent_layers_are_counted():
  model = keras.Sequential([keras.layers.Input((8, 6, 3)), layered(), keras.layers.Reshape((7, 1))])
  model.add(keras.layers.LSTM(4, name="memory"))
  described = nao_tf.describe(model)
  assert described.parameters == trainable(model)
  assert {part.name: part.multiply_adds for part in described.parts}["memory"] == 7 * (1 + 4) * 16
  assert "memory" in str(described) and described.as_dict()["example"] == "example"


class Own(keras.Model):
  def call(self, inputs):
    return inputs


def unknown():
  tokens = keras.layers.Input((5, 8))
  return keras.Model(tokens, keras.layers.MultiHeadAttention(2, 4, name="attention")(tokens, tokens))


def shared():
  images = keras.layers.Input((4,))
  layer = keras.layers.Dense(4, name="twice")
  return keras.Model(images, layer(layer(images)))


@pytest.mark.parametrize(
  ("make", "message"),
  [
    (unknown, "the multiply-adds of layer 'attention', a MultiHeadAttention, are not known"),
    (shared, "layer 'twice' of the model .* is called more than once"),
    (lambda: keras.Sequential([keras.layers.Dense(3)]), "expected a functional or sequential model that was built"),
    (Own, "the model 'own' has no known shapes"),
  ],
)
def test_a_model_whose_cost_is_not_known_is_an_error(make, message):
  with pytest.raises(ValueError, match=message):
    nao_tf.describe(make())


def test_a_model_takes_no_sizes():
  with pytest.raises(ValueError, match="a Keras model has no input_shape"):
    nao_tf.describe(layered(), input_shape=(8, 6, 3))
