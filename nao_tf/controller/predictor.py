"""The predictor: from the embedding of an architecture to its score (Luo et al., NeurIPS 2018, section 3.2)."""

import itertools

import tensorflow as tf

from nao_tf.controller.config import ControllerConfig
from nao_tf.controller.initialization import Initializer
from nao_tf.controller.layers import EnsembleLayer, Linear, dropout


class Predictor(EnsembleLayer):
  """Hidden ReLU layers, if any, and one output, whose sigmoid is the predicted score."""

  def __init__(self, config: ControllerConfig, initializer: Initializer):
    super().__init__(initializer)
    self.dropout_rate = config.mlp_dropout
    sizes = [config.encoder_size] + config.mlp_layers * [config.mlp_size]
    self.hidden = [Linear(initializer, inputs, outputs) for inputs, outputs in itertools.pairwise(sizes)]
    self.head = Linear(initializer, sizes[-1], 1)

  def call(self, embedding: tf.Tensor, seed: tf.Tensor | None = None) -> tf.Tensor:
    """Returns the logits [*prefix, N] of the scores of embeddings [*prefix, N, H].

    Args:
      embedding: of architectures.
      seed: integers [2] for dropout; None: no dropout.
    """
    for number, layer in enumerate(self.hidden):
      embedding = dropout(tf.nn.relu(layer(embedding)), self.dropout_rate, seed, layer=10 + number)
    return tf.squeeze(self.head(embedding), axis=-1)
