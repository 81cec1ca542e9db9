"""Plain networks of layers, as `nao_tf.networks.plain_plans` has them, in training and without this package.

The classifier is a functional model of standard layers. Only dropout before the logits, which acts in training alone,
is not in it.
"""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf
from tensorflow import keras

from nao_tf.networks.conventions import derive_seeds
from nao_tf.networks.image_network_config import ImageNetworkConfig
from nao_tf.networks.layered_plan import INPUT, LOGITS, PlannedLayer
from nao_tf.networks.layers import NORM_EPSILON, NORM_MOMENTUM, ImageShape
from nao_tf.networks.plain_layers import Symbol
from nao_tf.networks.plain_network import layer_name
from nao_tf.networks.plain_plans import PlainGenotype, plan_of
from nao_tf.networks.precision import check_precision
from nao_tf.networks.training_draws import TrainingDraws


class LayeredNetwork(keras.Model):
  """A plain network in training.

  Args:
    genotype: its layers.
    config: its filters, the fraction of features that dropout keeps, and whether batch normalization is synchronized.
    num_classes: number of logits.
    image_shape: (height, width, channels).
    seed: random seed of its weights and of its randomness in training.

  Attributes:
    classifier: a functional model of standard layers, images [B, H, W, C] to logits [B, num_classes].
    config: the configuration.
    genotype: the genotype.
    image_shape: (height, width, channels).
    num_classes: number of logits.
    auxiliary_head: None.
  """

  auxiliary_head = None

  def __init__(
    self,
    genotype: PlainGenotype,
    config: ImageNetworkConfig,
    num_classes: int,
    image_shape: tuple[int, int, int],
    seed: int,
  ) -> None:
    super().__init__(name="layered_network")
    weight_seed, draw_seed = derive_seeds(seed, 2)
    self.config, self.genotype, self.num_classes = config, genotype, num_classes
    height, width, channels = image_shape
    self.image_shape = (height, width, channels)
    self.classifier = classifier_model(
      genotype, config, num_classes=num_classes, image_shape=image_shape, seed=weight_seed
    )
    self._features = _features(self.classifier) if config.dropout_keep < 1.0 else None
    self._draws = TrainingDraws(1.0, 0, 0, draw_seed)
    self.build((None, *image_shape))

  def build(self, input_shape: ImageShape) -> None:
    """Does nothing: the classifier has its weights."""
    del input_shape
    self.built = True

  def call(self, images: tf.Tensor, training: bool = False, step: tf.Tensor | None = None) -> tf.Tensor:
    """Maps images [B, H, W, C] to logits [B, num_classes].

    Args:
      images: the images.
      training: whether batch normalization and dropout act as in training.
      step: number of the training step, which dropout depends on; None drops nothing.
    """
    if not training or step is None or self._features is None:
      return self.classifier(images, training=training)
    features = self._features(images, training=True)
    rate = 1.0 - self.config.dropout_keep
    dropped = tf.nn.experimental.stateless_dropout(features, rate, self._draws.dropout_seed(step))
    return self.classifier.get_layer(LOGITS)(dropped)


def layered_network(
  genotype: PlainGenotype,
  config: ImageNetworkConfig | None = None,
  *,
  num_classes: int = 10,
  image_shape: tuple[int, int, int] = (32, 32, 3),
  seed: int = 0,
) -> LayeredNetwork:
  """Builds the network of a genotype, weights included.

  Args:
    genotype: its layers.
    config: `filters`, `dropout_keep` and `synchronized_norm` of it are used; None: the defaults.
    num_classes: number of logits.
    image_shape: (height, width, channels).
    seed: random seed of the initial weights and of dropout, which are functions of the arguments.

  Raises:
    ValueError: if Keras is set to mixed precision, or to another precision than single or double.
  """
  check_precision(("float32", "float64"))
  return LayeredNetwork(genotype, config or ImageNetworkConfig(), num_classes, image_shape, seed)


def classifier_model(
  genotype: PlainGenotype,
  config: ImageNetworkConfig,
  *,
  num_classes: int,
  image_shape: tuple[int, int, int],
  seed: int,
) -> keras.Model:
  """Returns a plain network as a functional model of standard layers, images to logits.

  Args:
    genotype: its layers.
    config: its filters.
    num_classes: number of logits.
    image_shape: (height, width, channels).
    seed: random seed of the initial weights.
  """
  layers = plan_of(genotype, config.filters, image_shape, num_classes)
  images = keras.Input(image_shape, name=INPUT)
  outputs = _apply(layers, images, _Maker(config, seed))
  return keras.Model(images, outputs[LOGITS], name="classifier")


def plain_layered_model(
  network: LayeredNetwork,
  *,
  prepare: Callable[[Symbol], Symbol] | None = None,
  classifier_activation: str | None = "softmax",
  name: str = "image_classifier",
) -> keras.Model:
  """Returns one functional model of standard layers with the weights of a network.

  Args:
    network: trained or fresh.
    prepare: applies layers that make the inputs of the network from raw images; None: the model takes these inputs.
    classifier_activation: activation after the logits; None for logits.
    name: name of the model.
  """
  images = keras.Input(network.image_shape, name=INPUT)
  layers = plan_of(network.genotype, network.config.filters, network.image_shape, network.num_classes)
  outputs = _apply(layers, images if prepare is None else prepare(images), _Maker(network.config, 0))
  logits = outputs[LOGITS]
  final = (
    logits
    if classifier_activation is None
    else keras.layers.Activation(classifier_activation, name="probabilities")(logits)
  )
  model = keras.Model(images, final, name=layer_name(name, "image_classifier"))
  for layer in layers:
    model.get_layer(layer.name).set_weights(network.classifier.get_layer(layer.name).get_weights())
  return model


def _features(classifier: keras.Model) -> keras.Model:
  """Returns the model without the layer of the logits."""
  return keras.Model(classifier.input, classifier.get_layer(LOGITS).input, name="features")


def _apply(layers: Sequence[PlannedLayer], images: Symbol, maker: "_Maker") -> dict[str, Symbol]:
  """Applies planned layers to images; returns the outputs by name."""
  outputs = {INPUT: images}
  for layer in layers:
    inputs = [outputs[name] for name in layer.inputs]
    layer_class, options = maker.make(layer)
    outputs[layer.name] = layer_class(name=layer.name, **options)(inputs if len(inputs) > 1 else inputs[0])
  return outputs


def layer_of(
  layer: PlannedLayer, *, synchronized_norm: bool = False
) -> tuple[type[keras.layers.Layer], dict[str, Any]]:
  """Returns the class of Keras that a planned layer is of, and its arguments.

  Args:
    layer: the layer.
    synchronized_norm: whether batch normalization takes its statistics over all replicas.
  """
  if layer.kind == "conv":
    kernel = {"kernel_size": layer.kernel_shape, "strides": layer.strides, "padding": "same"}
    return keras.layers.Conv2D, {"filters": layer.shape[-1], "use_bias": False, **kernel}
  if layer.kind == "pad":
    return keras.layers.ZeroPadding2D, {"padding": layer.padding}
  if layer.kind == "dense":
    return keras.layers.Dense, {"units": layer.shape[-1], "use_bias": layer.bias}
  if layer.kind == "norm":
    synchronized = {"synchronized": True} if synchronized_norm else {}
    return keras.layers.BatchNormalization, {"momentum": NORM_MOMENTUM, "epsilon": NORM_EPSILON, **synchronized}
  if layer.kind == "pool":
    size, strides = layer.window
    padding = "same" if layer.padded else "valid"
    return keras.layers.MaxPooling2D, {"pool_size": size, "strides": strides, "padding": padding}
  return _PLAIN[layer.kind], {}


_PLAIN = {
  "relu": keras.layers.ReLU,
  "global_pool": keras.layers.GlobalAveragePooling2D,
  "add": keras.layers.Add,
  "concat": keras.layers.Concatenate,
}


class _Maker:
  """Creates the arguments of the Keras layers that are planned, each with a seed of its own."""

  def __init__(self, config: ImageNetworkConfig, seed: int):
    self._config, self._seed, self._made = config, seed, 0

  def make(self, layer: PlannedLayer) -> tuple[type[keras.layers.Layer], dict[str, Any]]:
    """Returns the class of the layer, and its arguments."""
    layer_class, options = layer_of(layer, synchronized_norm=self._config.synchronized_norm)
    if layer.kernel:
      self._made += 1
      seed = derive_seeds(self._seed + self._made, 1)[0]
      options["kernel_initializer"] = keras.initializers.HeNormal(seed)
    return layer_class, options
