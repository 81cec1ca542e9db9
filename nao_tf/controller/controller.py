"""The controller: encoder, predictor and decoder, trained together (Luo et al., NeurIPS 2018, section 3).

  controller = Controller(Vocabulary.of(space), PRESETS["torch"])
  fit_controller(controller, tokens, targets, num_steps=1000)
  candidates = ascend(controller, tokens, step_sizes=[10, 20, 30])

Several controllers, `members`, can live in one graph: all weights and tensors then have a leading axis of members, and
each member does what it would do alone. Every method takes any further axes in front of that.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf
from tensorflow import keras

from nao_tf.controller import batch_metrics, generation
from nao_tf.controller.axes import fold, shape_of, unfold
from nao_tf.controller.config import ControllerConfig
from nao_tf.controller.decoder import make_decoder
from nao_tf.controller.encoder import Encoder, architecture_embedding
from nao_tf.controller.initialization import Initializer
from nao_tf.controller.objective import regularized, score_loss, token_loss
from nao_tf.controller.predictor import Predictor
from nao_tf.controller.vocabulary import Vocabulary

_SCORE_BATCH = 4096
_NO_SEED = (0, 0)


class GraphCache:
  """Compiled functions of one controller by name, each made when it is first asked for."""

  def __init__(self):
    self._functions: dict = {}

  def get(self, key, function: Callable, *specs: tf.TensorSpec) -> Callable:
    """Returns the graph of `function` that is kept under `key`, with `specs` as its input signature."""
    if key not in self._functions:
      self._functions[key] = tf.function(function, input_signature=specs)
    return self._functions[key]

  def num_traces(self, name: str) -> int:
    """Returns how many graphs have been traced of the functions whose key is `name` or begins with it."""
    ours = [graph for key, graph in self._functions.items() if key == name or key[0] == name]
    return sum(graph.experimental_get_tracing_count() for graph in ours)


class Trackers:
  """Running means of what training and testing report; not a part of the model's weights."""

  def __init__(self):
    names = ("loss", "score_loss", "token_loss", "pairwise_accuracy", "kendall_tau", "hamming")
    self._means = {name: keras.metrics.Mean(name=name) for name in names}

  def all(self) -> list[keras.metrics.Metric]:
    """Returns the metrics."""
    return list(self._means.values())

  def update(self, values: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Takes in the values of a batch, means over members, and returns the running means of the same names."""
    for name, value in values.items():
      self._means[name].update_state(value)
    return {name: self._means[name].result() for name in values}


class Controller(keras.Model):
  """An encoder, a predictor and a decoder over one vocabulary.

  In the shapes below, `prefix` is () for a single controller and (M,) for M members, and `...` are any further axes,
  also none. Tokens of the shape [B, L] are read by every member.

  Attributes:
    vocabulary: the tokens.
    settings: the configuration.
    prefix: leading axes of every weight.
  """

  def __init__(
    self,
    vocabulary: Vocabulary,
    config: ControllerConfig | None = None,
    *,
    ensemble_size: int | None = None,
    seed: int = 0,
    **kwargs,
  ):
    """Args:
    vocabulary: the tokens.
    config: sizes and training; None: the defaults.
    ensemble_size: number of independent controllers in one graph; None: one, without an axis for it.
    seed: of the initial weights and of dropout. A single controller starts like member 0.
    **kwargs: for `keras.Model`.
    """
    super().__init__(**kwargs)
    if ensemble_size is not None and ensemble_size < 1:
      raise ValueError(f"ensemble_size must be None or at least 1, got {ensemble_size}")
    self.vocabulary, self.settings, self.seed = vocabulary, config or ControllerConfig(), seed
    self.prefix = () if ensemble_size is None else (ensemble_size,)
    initializer = Initializer(self.settings, seed, ensemble_size)
    self.encoder = Encoder(vocabulary, self.settings, initializer)
    self.predictor = Predictor(self.settings, initializer)
    self.decoder = make_decoder(vocabulary, self.settings, initializer)
    self.trackers = Trackers()
    self.built = True
    self.compile()

  def compile(self, optimizer: keras.optimizers.Optimizer | None = None, **kwargs) -> None:
    """Sets the optimizer, by default Adam with the configured rate, and forgets graphs that use another."""
    kwargs.setdefault("jit_compile", False)
    super().compile(optimizer=optimizer or self._adam(), **kwargs)
    self.optimizer.build(self.trainable_variables)
    self.graphs = GraphCache()

  def encode(self, tokens) -> tf.Tensor:
    """Returns the memory [..., *prefix, B, T, H] of tokens [..., *prefix, B, L] or [B, L]: unit vectors."""
    tokens = self._for_members(tokens)
    graph = self.graphs.get("encode", lambda tokens: self.encoder(tokens), self._spec(self.vocabulary.length))
    return unfold(graph(fold(tokens, self.prefix, 1)), self.prefix, shape_of(tokens)[:-1])

  def embed(self, memory) -> tf.Tensor:
    """Returns the architecture embedding [..., *prefix, B, H] of a memory [..., *prefix, B, T, H]: a unit vector."""
    return architecture_embedding(tf.convert_to_tensor(memory))

  def score_logits(self, memory) -> tf.Tensor:
    """Returns the predicted scores before the sigmoid, [..., *prefix, B], of a memory [..., *prefix, B, T, H]."""
    memory = tf.convert_to_tensor(memory)
    graph = self.graphs.get("score_logits", self._logits_of, self._memory_spec())
    return unfold(graph(fold(memory, self.prefix, 2)), self.prefix, shape_of(memory)[:-2])

  def predict_score(self, memory) -> tf.Tensor:
    """Returns the predicted scores in (0, 1), [..., *prefix, B], of a memory [..., *prefix, B, T, H]."""
    return tf.sigmoid(self.score_logits(memory))

  def call(self, tokens, training=None):
    """Returns the predicted scores [..., *prefix, B] of tokens [..., *prefix, B, L] or [B, L]."""
    del training  # Dropout takes a seed instead: see `losses_of`.
    return self.predict_score(self.encode(tokens))

  def score(self, tokens) -> np.ndarray:
    """Returns the predicted scores [*prefix, B] of any number of sequences [B, L] or [*prefix, B, L], in batches."""
    tokens = np.asarray(tokens, np.int32)
    starts = range(0, max(tokens.shape[-2], 1), _SCORE_BATCH)
    return np.concatenate([self(tokens[..., start : start + _SCORE_BATCH, :]).numpy() for start in starts], axis=-1)

  def decode(self, memory, temperature=None, seed=_NO_SEED) -> tf.Tensor:
    """Writes one legal sequence for each row of a memory.

    Args:
      memory: [..., *prefix, B, T, H].
      temperature: None, the default: the likeliest token each time. Else a number, or numbers broadcast against the
        axes of the memory before T: tokens are drawn at this temperature; 0 is the same as None. Axes in front of the
        memory's draw again from the same memory: shape [K, 1, 1] and [B, T, H] give [K, 1, B, L].
      seed: integer or two of them: equal ones draw equal tokens.

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

  def beam_search(self, memory, width: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the legal sequences that a beam of a width k finds, the likeliest first, with their log-probabilities.

    Args:
      memory: [..., *prefix, B, T, H].
      width: k.

    Returns:
      Tokens, int32 [..., *prefix, B, k, L], and log-probabilities [..., *prefix, B, k].

    Raises:
      ValueError: if there are not so many legal sequences.
    """
    num_legal = int(np.prod(np.asarray(self.vocabulary.sizes, np.float64)).clip(max=1e9))
    if not 1 <= width <= num_legal:
      raise ValueError(f"width must be at least 1 and at most the {num_legal} legal sequences, got {width}")
    memory = tf.convert_to_tensor(memory)
    graph = self.graphs.get(("beam", width), lambda memory: self._beam(memory, width), self._memory_spec())
    found = graph(fold(memory, self.prefix, 2))
    return tuple(unfold(part, self.prefix, shape_of(memory)[:-2]) for part in found)

  def losses_of(self, tokens, targets, weights, seed=None, *, with_decoder: bool = True) -> dict[str, tf.Tensor]:
    """Returns the joint loss and its parts, [*prefix] each: "loss", "score_loss", "token_loss".

    Args:
      tokens: [*prefix, B, L].
      targets: in [0, 1], higher is better, [B] or [*prefix, B].
      weights: 0 for architectures without a score, like the targets.
      seed: integers [2] for dropout; None: no dropout.
      with_decoder: whether to take the decoder's part into account; its "token_loss" is else NaN.
    """
    memory = self.encoder(tokens, seed=seed)
    embedding = architecture_embedding(memory)
    scores = score_loss(tf.sigmoid(self.predictor(embedding, seed=seed)), targets, weights)
    share = self.settings.score_weight
    if not with_decoder:
      return {"loss": share * scores, "score_loss": scores, "token_loss": np.nan * scores}
    spelled = token_loss(self.decoder.teach(tokens, memory, embedding), tokens)
    return {"loss": share * scores + (1 - share) * spelled, "score_loss": scores, "token_loss": spelled}

  def update(self, tokens, targets, weights, seed=None, *, with_decoder: bool = True) -> dict[str, tf.Tensor]:
    """Takes one optimization step and returns the losses before it. Arguments as in `losses_of`.

    Without the decoder, the step leaves the decoder's weights and moments alone.
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
      clip_norm=self.settings.clip_norm,
      l2=self.settings.l2,
      weight_decay=self.settings.weight_decay,
    )
    self.optimizer.apply_gradients(zip(gradients, variables))
    return losses

  def train_step(self, data):
    """Takes a step on (tokens [B, L], targets [B]) or (tokens, targets, weights [B])."""
    tokens, targets, weights = self._unpack(data)
    seed = tf.stack([self.seed, tf.cast(self.optimizer.iterations, tf.int32)])
    return self.trackers.update(self.update(tokens, targets, weights, seed))

  def test_step(self, data):
    """Measures losses, pairwise accuracy, Kendall's tau and the Hamming distance of greedily decoded sequences.

    The ordering figures are of each batch by itself, so give the whole set as one batch for those of the set.
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
  def metrics(self):
    return self.trackers.all()

  def _adam(self) -> keras.optimizers.Optimizer:
    return keras.optimizers.Adam(self.settings.learning_rate, epsilon=1e-8)

  def _unpack(self, data) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    tokens, targets, weights = keras.utils.unpack_x_y_sample_weight(data)
    targets = tf.cast(targets, tf.float32)
    weights = tf.ones_like(targets) if weights is None else tf.cast(weights, tf.float32)
    return self._for_members(tokens), targets, weights

  def _for_members(self, tokens) -> tf.Tensor:
    """Returns tokens as [..., *prefix, B, L]; [B, L] is repeated for every member."""
    tokens = tf.cast(tokens, tf.int32)
    if self.prefix and tokens.shape.rank == 2:
      tokens = tf.broadcast_to(tokens, [*self.prefix, *shape_of(tokens)])
    return tf.ensure_shape(tokens, (tokens.shape.rank - 1) * [None] + [self.vocabulary.length])

  def _logits_of(self, memory: tf.Tensor) -> tf.Tensor:
    return self.predictor(architecture_embedding(memory))

  def _write(self, memory: tf.Tensor, temperature=None, seed=None) -> tf.Tensor:
    return generation.write(self.decoder, memory, architecture_embedding(memory), temperature, seed)

  def _beam(self, memory: tf.Tensor, width: int) -> tuple[tf.Tensor, tf.Tensor]:
    return generation.beam_search(self.decoder, memory, architecture_embedding(memory), width)

  def _spec(self, *inner: int, dtype=tf.int32) -> tf.TensorSpec:
    return tf.TensorSpec([*self.prefix, None, *inner], dtype)

  def _memory_spec(self) -> tf.TensorSpec:
    return self._spec(self.encoder.num_steps, self.encoder.size, dtype=tf.float32)


def seed_pair(seed) -> tf.Tensor:
  """Returns the seed of a stateless operation, int32 [2], for an integer or two of them."""
  return tf.constant(np.broadcast_to(np.asarray(seed, np.int64) % 2**31, [2]), tf.int32)


def _broadcast(memory: tf.Tensor, temperature: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
  """Returns the memory with the axes of the temperature before T, and the temperature with those of the memory."""
  temperature += tf.zeros_like(memory[..., 0, 0])
  return memory + tf.zeros_like(temperature)[..., tf.newaxis, tf.newaxis], temperature
