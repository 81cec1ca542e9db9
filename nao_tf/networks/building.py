"""Builds the network of a genotype of any type. To add one, add a file in this folder and a row below."""

import dataclasses
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple, Protocol, TypeVar

from tensorflow import keras

from nao_tf.networks.image_network import ImageNetwork, ImageNetworkConfig, image_network
from nao_tf.networks.language_model import LanguageModelConfig, language_model
from nao_tf.networks.layered_network import layered_network
from nao_tf.networks.parameter_counts import num_parameters
from nao_tf.networks.plain_plans import PlainGenotype
from nao_tf.spaces.connected_genotypes import ConnectedGenotype
from nao_tf.spaces.edge_genotypes import EdgeGenotype
from nao_tf.spaces.genotypes import CellGenotype, Genotype, LstmGenotype, RecurrentGenotype
from nao_tf.spaces.layered_genotypes import LayeredGenotype
from nao_tf.spaces.motif_genotypes import MotifGenotype


class NetworkConfig(Protocol):
  """A frozen dataclass with the size and regularization of one kind of networks."""

  __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]


Config = TypeVar("Config", bound=NetworkConfig)


class Builder(NamedTuple):
  """Builds networks from one type of genotype.

  Attributes:
    config: class of their configuration.
    build: function that builds a network from (genotype, network_config, input_shape, num_outputs, seed).
  """

  config: type
  build: Callable[[Any, Any, tuple[int, ...], int, int], keras.Model]


def _build_image_network(
  genotype: CellGenotype | MotifGenotype | EdgeGenotype,
  config: ImageNetworkConfig,
  input_shape: tuple[int, ...],
  num_outputs: int,
  seed: int,
) -> keras.Model:
  height, width, channels = input_shape
  return image_network(genotype, config, num_classes=num_outputs, image_shape=(height, width, channels), seed=seed)


def _build_layered_network(
  genotype: PlainGenotype, config: ImageNetworkConfig, input_shape: tuple[int, ...], num_outputs: int, seed: int
) -> keras.Model:
  height, width, channels = input_shape
  return layered_network(genotype, config, num_classes=num_outputs, image_shape=(height, width, channels), seed=seed)


def _build_language_model(
  genotype: RecurrentGenotype | LstmGenotype,
  config: LanguageModelConfig,
  input_shape: tuple[int, ...],
  num_outputs: int,
  seed: int,
) -> keras.Model:
  del input_shape  # A token is a number.
  return language_model(genotype, config, vocabulary_size=num_outputs, seed=seed)


BUILDERS: dict[type, Builder] = {
  CellGenotype: Builder(ImageNetworkConfig, _build_image_network),
  ConnectedGenotype: Builder(ImageNetworkConfig, _build_layered_network),
  EdgeGenotype: Builder(ImageNetworkConfig, _build_image_network),
  LayeredGenotype: Builder(ImageNetworkConfig, _build_layered_network),
  MotifGenotype: Builder(ImageNetworkConfig, _build_image_network),
  RecurrentGenotype: Builder(LanguageModelConfig, _build_language_model),
  LstmGenotype: Builder(LanguageModelConfig, _build_language_model),
}


def build_network(
  genotype: Genotype, network_config: NetworkConfig, *, input_shape: tuple[int, ...], num_outputs: int, seed: int
) -> keras.Model:
  """Builds the network of a genotype and initializes its weights. Call it in the scope of the distribution.

  Args:
    genotype: genotype of the network, as decoded by a search space.
    network_config: configuration for this kind of network.
    input_shape: shape of one input, without the batch axis: (height, width, channels) of an image, () of a token.
    num_outputs: number of logits: classes, or size of the vocabulary.
    seed: random seed of the initial weights and of randomness in training.

  Raises:
    ValueError: if no network can be built from such a genotype, or the configuration is for another kind of network.
  """
  builder = BUILDERS.get(type(genotype))
  if builder is None:
    known = ", ".join(kind.__name__ for kind in BUILDERS)
    raise ValueError(f"no network is built from a {type(genotype).__name__}; expected one of {known}")
  if not isinstance(network_config, builder.config):
    raise ValueError(
      f"the network of a {type(genotype).__name__} needs a {builder.config.__name__}, got a"
      f" {type(network_config).__name__}"
    )
  return builder.build(genotype, network_config, input_shape, num_outputs, seed)


def complete_network_config(network_config: Config, *, num_steps: int, num_replicas: int) -> Config:
  """Returns the configuration with the fields filled in that depend on the training of the network.

  Drop-path reaches its final rate at the last step, unless the configuration says otherwise. Batch normalization is
  only synchronized if there are several replicas.

  Args:
    network_config: configuration of a network.
    num_steps: number of steps of the training.
    num_replicas: number of replicas of the distribution.
  """
  if not isinstance(network_config, ImageNetworkConfig):
    return network_config
  return dataclasses.replace(
    network_config,
    drop_path_steps=network_config.drop_path_steps or num_steps,
    synchronized_norm=network_config.synchronized_norm and num_replicas > 1,
  )


def num_inference_parameters(network: keras.Model) -> int:
  """Returns the number of trainable parameters at inference, that is, without an auxiliary head."""
  return num_parameters(network.classifier if isinstance(network, ImageNetwork) else network)
