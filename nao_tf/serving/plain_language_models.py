"""How plain Keras models of language models are put together; see `nao_tf.serving.keras_models`."""

import dataclasses
import os

from tensorflow import keras

from nao_tf.networks.language_model import LanguageGenotype, LanguageModel, LanguageModelConfig, language_model
from nao_tf.networks.plain_language_model import plain_language_model
from nao_tf.serving.architectures import check_architecture, check_equal
from nao_tf.serving.trained_networks import TrainedNetwork, read_trained_network
from nao_tf.spaces.genotypes import LstmGenotype, RecurrentGenotype


@dataclasses.dataclass(frozen=True)
class LanguageBlueprint:
  """What `nao_tf.serving.keras_models.build` was asked for.

  Attributes:
    genotype: genotype of the cell.
    vocabulary_size: V; None: that of the weights.
    units: size of embeddings and states; None: that of the weights, or the paper's.
    dropout: rate at which units of the outputs are dropped; None: 0, or with `training_graph` that of the
      configuration.
    training_graph: whether the other dropout of the configuration is kept.
    seed: random seed of fresh weights.
  """

  genotype: LanguageGenotype
  vocabulary_size: int | None
  units: int | None
  dropout: float | None
  training_graph: bool
  seed: int

  def fresh(self) -> LanguageModel:
    """Returns a language model with fresh weights.

    Raises:
      ValueError: if the size of the vocabulary was not given.
    """
    if self.vocabulary_size is None:
      raise ValueError("build needs vocabulary_size for a language model, or weights")
    config = LanguageModelConfig() if self.units is None else LanguageModelConfig(units=self.units)
    return self._network(config, self.vocabulary_size)

  def trained(self, directory: str | os.PathLike[str]) -> LanguageModel:
    """Returns a language model with the weights of a training.

    Raises:
      ValueError: if the training was of another network.
    """
    trained = read_trained_network(directory)
    language_genotype(trained)
    check_architecture(trained, self.genotype)
    source = trained.network
    pairs = (
      ("vocabulary_size", self.vocabulary_size, source.vocabulary_size),
      ("units", self.units, source.config.units),
    )
    check_equal(trained, [pair for pair in pairs if pair[1] is not None])
    network = self._network(source.config, source.vocabulary_size)
    network.set_weights(source.get_weights())
    return network

  def _network(self, config: LanguageModelConfig, vocabulary_size: int) -> LanguageModel:
    config = config if self.training_graph else config.without_dropout()
    config = config if self.dropout is None else dataclasses.replace(config, output_dropout=self.dropout)
    return language_model(self.genotype, config, vocabulary_size=vocabulary_size, seed=self.seed)


def language_model_of(trained: TrainedNetwork) -> keras.Model:
  """Returns the plain model of a trained language model, from tokens to probabilities.

  Raises:
    ValueError: if it is not a language model.
  """
  genotype, source = language_genotype(trained), trained.network
  network = language_model(genotype, source.config.without_dropout(), vocabulary_size=source.vocabulary_size)
  network.set_weights(source.get_weights())
  return plain_language_model(network, name=trained.task.name)


def language_genotype(trained: TrainedNetwork) -> LanguageGenotype:
  """Returns the genotype of a trained language model.

  Raises:
    ValueError: if the training was not one of a language model.
  """
  if not isinstance(trained.genotype, (RecurrentGenotype, LstmGenotype)) or not isinstance(
    trained.network, LanguageModel
  ):
    raise ValueError(f"{trained.directory}: expected the training of a language model, not of {trained.task.name}")
  return trained.genotype
