"""The predictor: from the embedding of an architecture to its score (Luo et al., NeurIPS 2018, section 3.2)."""

import itertools

import tensorflow as tf

from nao_tf.controller.config import ControllerConfig
from nao_tf.controller.initialization import Initializer
from nao_tf.controller.layers import EnsembleLayer, Linear, dropout

_FIRST_DROPOUT = 10  # Number of the first hidden layer's dropout; the encoder has lower ones.


class Predictor(EnsembleLayer):
  """Hidden ReLU layers, if any, and one output. The predicted score is the sigmoid of the output."""

  def __init__(self, config: ControllerConfig, initializer: Initializer):
    """Creates the weights.

    Args:
      config: sizes.
      initializer: source of the weights.
    """
    super().__init__(initializer)
    self.dropout_rate = config.mlp_dropout
    sizes = [config.encoder_size, *config.mlp_layers * [config.mlp_size]]
    self.hidden = [Linear(initializer, inputs, outputs) for inputs, outputs in itertools.pairwise(sizes)]
    self.head = Linear(initializer, sizes[-1], 1)

  def call(self, embedding: tf.Tensor, seed: tf.Tensor | None = None) -> tf.Tensor:
    """Returns the scores before the sigmoid, [*prefix, N].

    Args:
      embedding: embeddings of architectures, [*prefix, N, H].
      seed: two integers for dropout; None: no dropout.
    """
    for number, layer in enumerate(self.hidden, start=_FIRST_DROPOUT):
      embedding = dropout(tf.nn.relu(layer(embedding)), self.dropout_rate, seed, layer=number)
    return tf.squeeze(self.head(embedding), axis=-1)
