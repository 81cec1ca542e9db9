"""The controller: encoder, predictor and decoder, trained together (Luo et al., NeurIPS 2018, section 3).

  controller = Controller(Vocabulary.of(space), PRESETS["torch"])
  fit_controller(controller, tokens, targets, num_steps=1000)
  candidates = ascend(controller, tokens, step_sizes=[10, 20, 30])

An ensemble of independent controllers can live in one graph: all weights and tensors then have a leading axis of size
`ensemble_size`. Each controller of the ensemble does what it would do alone. Every method accepts further axes in front.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import tensorflow as tf
from tensorflow import keras

from nao_tf.controller import batch_metrics, generation
from nao_tf.controller.axes import fold, shape_of, unfold
from nao_tf.controller.config import ControllerConfig
from nao_tf.controller.decoder import make_decoder
from nao_tf.controller.encoder import Encoder, architecture_embedding
from nao_tf.controller.graph_cache import GraphCache
from nao_tf.controller.initialization import Initializer
from nao_tf.controller.keras_defaults import float32_defaults
from nao_tf.controller.layers import random_step
from nao_tf.controller.objective import regularized, score_loss, token_loss
from nao_tf.controller.predictor import Predictor
from nao_tf.controller.trackers import Trackers
from nao_tf.controller.vocabulary import Vocabulary

TensorLike: TypeAlias = tf.types.experimental.TensorLike
Seed = int | Sequence[int] | np.ndarray
"""One integer or two."""

_SCORE_BATCH = 4096


class Controller(keras.Model):
  """An encoder, a predictor and a decoder over a vocabulary.

  In the shapes below, `prefix` is () for a single controller and (ensemble_size,) for an ensemble. `...` stands for any
  number of further axes. Tokens of shape [B, L] are read by every controller of an ensemble.

  Attributes:
    vocabulary: the vocabulary.
    config: sizes and training hyperparameters.
    seed: random seed of the initial weights and of dropout.
    ensemble_size: number of independent controllers; None for a single one, without an ensemble axis.
    prefix: leading axes of every weight.
  """

  def __init__(
    self,
    vocabulary: Vocabulary,
    config: ControllerConfig | None = None,
    *,
    ensemble_size: int | None = None,
    seed: int = 0,
    **kwargs: Any,
  ):
    """Initializes all weights and compiles the model.

    Args:
      vocabulary: the vocabulary.
      config: sizes and training hyperparameters; None for the defaults.
      ensemble_size: number of independent controllers; None for a single one, without an ensemble axis.
      seed: random seed of the initial weights and of dropout. A single controller has the same initial weights as the
        first of an ensemble.
      **kwargs: arguments of `keras.Model`.

    Raises:
      ValueError: if `ensemble_size` is below 1.
    """
    if ensemble_size is not None and ensemble_size < 1:
      raise ValueError(f"ensemble_size must be None or at least 1, got {ensemble_size}")
    with float32_defaults():
      super().__init__(**kwargs)
    self.vocabulary, self.config, self.seed = vocabulary, config or ControllerConfig(), seed
    self.ensemble_size = ensemble_size
    initializer = Initializer(self.config, seed, ensemble_size)
    self.prefix = initializer.prefix
    with float32_defaults():
      self.encoder = Encoder(vocabulary, self.config, initializer)
      self.predictor = Predictor(self.config, initializer)
      self.decoder = make_decoder(vocabulary, self.config, initializer)
      self.trackers = Trackers()
    self.built = True
    self.compile()

  def compile(self, optimizer: keras.optimizers.Optimizer | None = None, **kwargs: Any) -> None:
    """Sets the optimizer and drops the graphs that use another one.

    Args:
      optimizer: None: Adam with the configured learning rate.
      **kwargs: passed to `keras.Model.compile`.
    """
    kwargs.setdefault("jit_compile", False)
    with float32_defaults():
      super().compile(optimizer=optimizer or self._adam(), **kwargs)
      self.optimizer.build(self.trainable_variables)
    self.graphs = GraphCache()

  def encode(self, tokens: TensorLike) -> tf.Tensor:
    """Returns the memory [..., *prefix, B, T, H] of tokens [..., *prefix, B, L] or [B, L]: unit vectors."""
    tokens = self._for_ensemble(tokens)
    graph = self.graphs.get("encode", lambda tokens: self.encoder(tokens), self._spec(self.vocabulary.length))
    return unfold(graph(fold(tokens, self.prefix, 1)), self.prefix, shape_of(tokens)[:-1])

  def embed(self, memory: TensorLike) -> tf.Tensor:
    """Returns the architecture embedding [..., *prefix, B, H] of a memory [..., *prefix, B, T, H]: a unit vector."""
    return architecture_embedding(tf.convert_to_tensor(memory))

  def score_logits(self, memory: TensorLike) -> tf.Tensor:
    """Returns the predicted scores before the sigmoid, [..., *prefix, B], of a memory [..., *prefix, B, T, H]."""
    memory = tf.convert_to_tensor(memory)
    graph = self.graphs.get("score_logits", self._logits_of, self._memory_spec())
    return unfold(graph(fold(memory, self.prefix, 2)), self.prefix, shape_of(memory)[:-2])

  def predict_score(self, memory: TensorLike) -> tf.Tensor:
    """Returns the predicted scores in (0, 1), [..., *prefix, B], of a memory [..., *prefix, B, T, H]."""
    return tf.sigmoid(self.score_logits(memory))

  def call(self, tokens: TensorLike, training: bool | None = None) -> tf.Tensor:
    """Returns the predicted scores [..., *prefix, B] of tokens [..., *prefix, B, L] or [B, L]."""
    del training  # Dropout depends on a seed instead; see `losses_of`.
    return self.predict_score(self.encode(tokens))

  def score(self, tokens: TensorLike) -> np.ndarray:
    """Returns the predicted scores [*prefix, B] of any number of sequences [B, L] or [*prefix, B, L], in batches."""
    tokens = np.asarray(tokens, np.int32)
    starts = range(0, max(tokens.shape[-2], 1), _SCORE_BATCH)
    return np.concatenate([self(tokens[..., start : start + _SCORE_BATCH, :]).numpy() for start in starts], axis=-1)

  def decode(self, memory: TensorLike, temperature: TensorLike | None = None, seed: Seed = (0, 0)) -> tf.Tensor:
    """Decodes a legal sequence for each row of encoder outputs.

    Args:
      memory: encoder outputs, [..., *prefix, B, T, H].
      temperature: None for the most likely token at each position. Otherwise tokens are sampled at this temperature; 0
        is the same as None. Several temperatures are broadcast against the axes of the memory before T. Extra leading
        axes sample repeatedly from the same memory: shapes [K, 1] and [B, T, H] give [K, B, L].
      seed: one or two integers. Equal seeds sample equal tokens.

    Returns:
      Tokens, int32 [..., *prefix, B, L].
    """
    memory = tf.convert_to_tensor(memory)
    if temperature is None:
      graph = self.graphs.get("decode", self._write, self._memory_spec())
      return unfold(graph(fold(memory, self.prefix, 2)), self.prefix, shape_of(memory)[:-2])
    memory, temperature = _broadcast(memory, tf.convert_to_tensor(temperature, tf.float32))
    specs = self._memory_spec(), self._spec(dtype=tf.float32), tf.TensorSpec([2], tf.int32)
    graph = self.graphs.get("sample", self._write, *specs)
    tokens = graph(fold(memory, self.prefix, 2), fold(temperature, self.prefix, 0), seed_pair(seed))
    return unfold(tokens, self.prefix, shape_of(memory)[:-2])

  def beam_search(self, memory: TensorLike, width: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the legal sequences found by beam search, most likely first, with their log probabilities.

    Args:
      memory: encoder outputs, [..., *prefix, B, T, H].
      width: beam width k.

    Returns:
      Tokens, int32 [..., *prefix, B, k, L], and log probabilities [..., *prefix, B, k].

    Raises:
      ValueError: if `width` is below 1 or above the number of legal sequences.
    """
    num_legal = int(np.prod(np.asarray(self.vocabulary.sizes, np.float64)).clip(max=1e9))
    if not 1 <= width <= num_legal:
      raise ValueError(f"width must be at least 1 and at most the {num_legal} legal sequences, got {width}")
    memory = tf.convert_to_tensor(memory)
    graph = self.graphs.get("beam", lambda memory: self._beam(memory, width), self._memory_spec(), variant=width)
    tokens, scores = graph(fold(memory, self.prefix, 2))
    leading = shape_of(memory)[:-2]
    return unfold(tokens, self.prefix, leading), unfold(scores, self.prefix, leading)

  def losses_of(
    self,
    tokens: TensorLike,
    targets: TensorLike,
    weights: TensorLike,
    seed: tf.Tensor | None = None,
    *,
    with_decoder: bool = True,
  ) -> dict[str, tf.Tensor]:
    """Returns the joint loss and its parts, "loss", "score_loss" and "token_loss", each [*prefix].

    Args:
      tokens: [*prefix, B, L].
      targets: scores to predict, in [0, 1], higher is better, [B] or [*prefix, B].
      weights: 0 for architectures without a score, 1 for the others. Same shape as `targets`.
      seed: two integers for dropout; None: no dropout.
      with_decoder: whether the decoder's part counts. If not, "token_loss" is NaN.
    """
    memory = self.encoder(tokens, seed=seed)
    embedding = architecture_embedding(memory)
    squared_error = score_loss(tf.sigmoid(self.predictor(embedding, seed=seed)), targets, weights)
    share = self.config.score_weight
    if not with_decoder:
      return {"loss": share * squared_error, "score_loss": squared_error, "token_loss": np.nan * squared_error}
    if self.config.memory_noise:
      memory = random_step(memory, self.config.memory_noise, seed)
      embedding = architecture_embedding(memory)
    cross_entropy = token_loss(self.decoder.teach(tokens, memory, embedding), tokens)
    loss = share * squared_error + (1 - share) * cross_entropy
    return {"loss": loss, "score_loss": squared_error, "token_loss": cross_entropy}

  def update(
    self,
    tokens: TensorLike,
    targets: TensorLike,
    weights: TensorLike,
    seed: tf.Tensor | None = None,
    *,
    with_decoder: bool = True,
  ) -> dict[str, tf.Tensor]:
    """Performs one optimization step and returns the losses before it.

    Without the decoder, the decoder's weights and moments are unchanged. See `losses_of` for the arguments.
    """
    parts = [self.encoder, self.predictor, self.decoder] if with_decoder else [self.encoder, self.predictor]
    variables = [variable for part in parts for variable in part.trainable_variables]
    with tf.GradientTape() as tape:
      losses = self.losses_of(tokens, targets, weights, seed, with_decoder=with_decoder)
      total = tf.reduce_sum(losses["loss"])
    gradients = regularized(
      tape.gradient(total, variables),
      variables,
      self.prefix,
      clip_norm=self.config.clip_norm,
      l2=self.config.l2,
      weight_decay=self.config.weight_decay,
    )
    self.optimizer.apply_gradients(zip(gradients, variables))
    return losses

  def train_step(self, data: tuple[tf.Tensor, ...]) -> dict[str, tf.Tensor]:
    """Performs a training step on (tokens [B, L], targets [B]) or (tokens, targets, weights [B])."""
    tokens, targets, weights = self._unpack(data)
    seed = tf.stack([self.seed, tf.cast(self.optimizer.iterations, tf.int32)])
    return self.trackers.update(self.update(tokens, targets, weights, seed))

  def test_step(self, data: tuple[tf.Tensor, ...]) -> dict[str, tf.Tensor]:
    """Computes losses, pairwise accuracy, Kendall's tau and the Hamming distance of greedily decoded sequences.

    Ranking metrics are computed within each batch. Pass the whole set as a single batch to compute those of the set.
    """
    tokens, targets, weights = self._unpack(data)
    memory = self.encoder(tokens)
    scores = tf.sigmoid(self._logits_of(memory))
    orders = {
      "pairwise_accuracy": batch_metrics.pairwise_accuracy(scores, targets, weights),
      "kendall_tau": batch_metrics.kendall_tau(scores, targets, weights),
      "hamming": batch_metrics.hamming_distance(self._write(memory), tokens),
    }
    return self.trackers.update({**self.losses_of(tokens, targets, weights), **orders})

  @property
  def metrics(self) -> list[keras.metrics.Metric]:
    """The metrics that Keras resets at the start of each epoch."""
    return self.trackers.all()

  def _adam(self) -> keras.optimizers.Optimizer:
    return keras.optimizers.Adam(self.config.learning_rate, epsilon=1e-8)

  def _unpack(self, data: tuple[tf.Tensor, ...]) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    tokens, targets, weights = keras.utils.unpack_x_y_sample_weight(data)
    targets = tf.cast(targets, tf.float32)
    weights = tf.ones_like(targets) if weights is None else tf.cast(weights, tf.float32)
    return self._for_ensemble(tokens), targets, weights

  def _for_ensemble(self, tokens: TensorLike) -> tf.Tensor:
    """Returns tokens as [..., *prefix, B, L]; repeats [B, L] for every controller of an ensemble."""
    tokens = tf.cast(tokens, tf.int32)
    if self.prefix and tokens.shape.rank == 2:
      tokens = tf.broadcast_to(tokens, [*self.prefix, *shape_of(tokens)])
    return tf.ensure_shape(tokens, (tokens.shape.rank - 1) * [None] + [self.vocabulary.length])

  def _logits_of(self, memory: tf.Tensor) -> tf.Tensor:
    return self.predictor(architecture_embedding(memory))

  def _write(self, memory: tf.Tensor, temperature: tf.Tensor | None = None, seed: tf.Tensor | None = None) -> tf.Tensor:
    return generation.write(self.decoder, memory, architecture_embedding(memory), temperature, seed)

  def _beam(self, memory: tf.Tensor, width: int) -> tuple[tf.Tensor, tf.Tensor]:
    return generation.beam_search(self.decoder, memory, architecture_embedding(memory), width)

  def _spec(self, *inner: int, dtype: tf.DType = tf.int32) -> tf.TensorSpec:
    return tf.TensorSpec([*self.prefix, None, *inner], dtype)

  def _memory_spec(self) -> tf.TensorSpec:
    return self._spec(self.encoder.num_steps, self.encoder.size, dtype=tf.float32)


def seed_pair(seed: Seed) -> tf.Tensor:
  """Returns the seed of a stateless operation, int32 [2], for one integer or two."""
  return tf.constant(np.broadcast_to(np.asarray(seed, np.int64) % 2**31, [2]), tf.int32)


def _broadcast(memory: tf.Tensor, temperature: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
  """Returns the memory with the axes of the temperature before T, and the temperature with those of the memory."""
  temperature += tf.zeros_like(memory[..., 0, 0])
  return memory + tf.zeros_like(temperature)[..., tf.newaxis, tf.newaxis], temperature
