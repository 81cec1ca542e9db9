"""Random models of plain layers, and random chains of morphisms."""

import numpy as np
from tensorflow import keras

from nao_tf.networks.morphisms import add_skip, concat_skip, deeper, wider

layers = keras.layers
ACTIVATIONS = ("relu", "tanh", "elu", "linear")
SIZE = 8


def random_model(rng):
  """Returns a model of convolutions and dense layers, with norms, pools, a residual sum and a concatenation at random."""
  images = outputs = keras.Input((SIZE, SIZE, int(rng.integers(1, 4))), name="images")
  for number in range(rng.integers(2, 5)):
    previous = outputs
    outputs = _convolution(outputs, number, rng)
    if rng.random() < 0.3 and previous.shape[1:] == outputs.shape[1:]:
      outputs = layers.Add(name=f"sum_{number}")([previous, outputs])
    elif rng.random() < 0.2 and previous.shape[1:3] == outputs.shape[1:3]:
      outputs = layers.Concatenate(name=f"both_{number}")([outputs, previous])
    if rng.random() < 0.4 and outputs.shape[1] > 1:
      pool = (layers.MaxPooling2D, layers.AveragePooling2D)[rng.integers(2)]
      outputs = pool(2, padding=("same", "valid")[rng.integers(2)], name=f"pool_{number}")(outputs)
  outputs = (layers.Flatten if rng.random() < 0.5 else layers.GlobalAveragePooling2D)(name="features")(outputs)
  for number in range(rng.integers(0, 3)):
    outputs = layers.Dense(int(rng.integers(2, 6)), _activation(rng), name=f"dense_{number}")(outputs)
  model = keras.Model(images, layers.Dense(3, name="logits")(outputs))
  randomize(model, rng)
  return model


def randomize(model, rng):
  """Gives all layers weights as a trained model could have them."""
  for layer in model.layers:
    weights = layer.get_weights()
    if isinstance(layer, layers.BatchNormalization):
      layer.set_weights([rng.uniform(0.5, 1.5, weight.shape) for weight in weights])
    else:
      layer.set_weights([rng.normal(0, _scale(weight), weight.shape) for weight in weights])


def images_for(model, rng, count=3):
  return rng.normal(size=(count, *model.input.shape[1:])).astype(np.float32)


def random_morphism(model, rng):
  """Returns the name of a morphism that is possible, and what it makes of a model."""
  while True:
    kind = ("deeper", "wider", "add_skip", "concat_skip")[rng.integers(4)]
    names = [layer.name for layer in model.layers[1:]]
    first, second = names[rng.integers(len(names))], names[rng.integers(len(names))]
    try:
      if kind == "deeper":
        return kind, deeper(model, first, kernel_size=int(rng.choice((1, 3, 5))), normalized=bool(rng.integers(2)))
      if kind == "wider":
        return kind, wider(model, first, _width(model.get_layer(first)) + int(rng.integers(1, 4)), seed=0)
      return kind, (add_skip if kind == "add_skip" else concat_skip)(model, first, second)
    except ValueError:
      continue  # Not for these layers.


def difference(one, other, images):
  """Returns by how much the outputs of two models differ, relative to the largest one."""
  expected, found = (np.asarray(model(images, training=False)) for model in (one, other))
  return float(np.abs(found - expected).max() / max(1.0, np.abs(expected).max()))


def _convolution(inputs, number, rng):
  filters, size = int(rng.integers(2, 6)), int(rng.choice((1, 3, 5)))
  kind = (layers.Conv2D, layers.Conv2D, layers.SeparableConv2D)[rng.integers(3)]
  outputs = kind(filters, size, padding="same", activation=_activation(rng), name=f"conv_{number}")(inputs)
  if rng.random() < 0.5:
    outputs = layers.BatchNormalization(name=f"norm_{number}")(outputs)
    outputs = layers.ReLU(name=f"relu_{number}")(outputs)
  if rng.random() < 0.2:
    outputs = layers.DepthwiseConv2D(3, padding="same", name=f"depthwise_{number}")(outputs)
  return outputs


def _activation(rng):
  return ACTIVATIONS[rng.integers(len(ACTIVATIONS))]


def _width(layer):
  return getattr(layer, "filters", getattr(layer, "units", 1))


def _scale(weight):
  return 0.5 if weight.ndim == 1 else (1.0 / max(1, np.prod(weight.shape[:-1]))) ** 0.5
