"""The configuration of a controller, and the published configurations by name.

Sources: Luo et al., "Neural Architecture Optimization", NeurIPS 2018, and its releases: two for convolutional networks
and two for recurrent cells, each with and without weight sharing ("WS"), and two versions in PyTorch.
"""

import dataclasses
import math

from nao_tf import fields

ATTENTIONS = ("bahdanau", "bilinear", "dot")
INITIALIZERS = ("fan_in", "uniform", "torch")
TARGETS = ("min_max", "rank", "log_rank")


@dataclasses.dataclass(frozen=True)
class ControllerConfig:
  """Sizes and training of a controller.

  The defaults are those of the `default` preset: a small controller for small budgets.

  Attributes:
    token_size: size of the encoder's token embedding.
    tokens_per_step: consecutive tokens that the encoder reads in one step; None: as many as the vocabulary says.
    encoder_size: units H of the encoder, of the architecture embedding and of the decoder, which starts from it.
    bidirectional: whether a second LSTM reads the tokens backwards. A linear layer maps both outputs back to H.
    embedding_dropout: dropout rate on the encoder's token embeddings.
    encoder_dropout: dropout rate on the encoder's outputs, before they are normalized.
    mlp_layers: number of hidden ReLU layers of the predictor.
    mlp_size: units of each hidden layer.
    mlp_dropout: dropout rate on the output of each hidden layer.
    decoder_token_size: size of the decoder's token embedding, a table of its own.
    attention: "bahdanau" (normed, with input feeding), "bilinear" or "dot" (both Luong's, after the LSTM).
    combine_bias: whether the layer that joins context and state has a bias ("bilinear" and "dot" only).
    double_bias: whether LSTMs have a second, redundant bias, as in PyTorch.
    initializer: how weights are drawn. "fan_in": uniform with limit sqrt(3 / inputs), recurrent kernels 0.7 of that,
      embeddings normal with standard deviation 0.5, biases zero. "uniform": all in [-init_range, init_range], biases
      zero. "torch": uniform with limit 1 / sqrt(inputs) (in an LSTM 1 / sqrt(units)), biases too, embeddings standard
      normal.
    init_range: limit of "uniform".
    forget_bias: number that is added to the initial bias of the LSTMs' forget gates.
    orthogonal_decoder: whether the decoder's LSTM kernel starts orthogonal.
    score_weight: lambda of the joint loss: lambda * squared error + (1 - lambda) * cross-entropy. 0.8 in all releases.
    target: how rewards become targets in [0, 1]: "min_max", "rank", "log_rank" (`nao_tf.controller.dataset`).
    num_encodings: encodings per architecture, one of which is drawn in every step; 1: no augmentation.
    isomorphic: whether the encodings are drawn from all isomorphic ones (`SearchSpace.random_isomorphic`). Otherwise
      they are a few steps of the published symmetry away (`SearchSpace.random_equivalent`).
    learning_rate: learning rate of Adam.
    final_learning_rate: share of the learning rate that is left at the end of each fit, after a cosine decay; 1:
      constant.
    clip_norm: bound on the norm of the whole gradient, separately for each controller of an ensemble.
    l2: coefficient of half the sum of squared weights in the loss; acts before clipping.
    weight_decay: coefficient of the weights that are added to the clipped gradient, as PyTorch's Adam does.
    batch_size: architectures with a score in a step.
    unlabeled_batch_size: architectures without a score in a step that trains the decoder.
    decoder_every: the decoder is trained in one step out of this many.
    num_steps: optimization steps of a fit from fresh weights, if `epochs` is None.
    min_passes: least number of passes over the architectures with a score in a fit from fresh weights.
    later_steps: optimization steps of each later fit that keeps the weights, if `epochs` is None.
    epochs: passes over the architectures with a score in each fit; None: see `num_steps`.
    reset_optimizer: whether each fit starts with fresh moments.
    unroll: whether recurrences are written out step by step in the graph. This runs somewhat faster than a loop, takes
      longer to trace and gives the same numbers.
  """

  token_size: int = 16
  tokens_per_step: int | None = None
  encoder_size: int = 32
  bidirectional: bool = False
  embedding_dropout: float = 0.0
  encoder_dropout: float = 0.0
  mlp_layers: int = 1
  mlp_size: int = 64
  mlp_dropout: float = 0.0
  decoder_token_size: int = 16
  attention: str = "bilinear"
  combine_bias: bool = False
  double_bias: bool = False
  initializer: str = "fan_in"
  init_range: float = 0.1
  forget_bias: float = 1.0
  orthogonal_decoder: bool = False
  score_weight: float = 0.8
  target: str = "rank"
  num_encodings: int = 8
  isomorphic: bool = True
  learning_rate: float = 3e-3
  final_learning_rate: float = 1.0
  clip_norm: float = 5.0
  l2: float = 0.0
  weight_decay: float = 0.0
  batch_size: int = 32
  unlabeled_batch_size: int = 16
  decoder_every: int = 3
  num_steps: int = 400
  min_passes: int = 32
  later_steps: int = 60
  epochs: int | None = None
  reset_optimizer: bool = True
  unroll: bool = True

  def __post_init__(self) -> None:
    fields.check_config(self)
    self._check_one_of("attention", ATTENTIONS)
    self._check_one_of("initializer", INITIALIZERS)
    self._check_one_of("target", TARGETS)
    for name in ("token_size", "encoder_size", "decoder_token_size", "num_encodings", "batch_size", "decoder_every"):
      self._check(name, getattr(self, name) >= 1, "at least 1")
    for name in ("embedding_dropout", "encoder_dropout", "mlp_dropout"):
      self._check(name, 0 <= getattr(self, name) < 1, "in [0, 1)")
    for name in ("score_weight", "final_learning_rate"):
      self._check(name, 0 <= getattr(self, name) <= 1, "in [0, 1]")
    for name in ("learning_rate", "clip_norm", "init_range"):
      self._check(name, getattr(self, name) > 0, "positive")

  def steps_for(self, num_architectures: int, *, first: bool = True) -> int:
    """Returns the number of optimization steps of a fit.

    Args:
      num_architectures: architectures with a score.
      first: whether the fit starts from fresh weights.
    """
    if self.epochs is not None:
      return self.epochs * math.ceil(num_architectures / self.batch_size)
    least = math.ceil(self.min_passes * num_architectures / self.batch_size) if first else 0
    return max(self.num_steps if first else self.later_steps, least)

  def _check_one_of(self, name: str, known: tuple[str, ...]) -> None:
    self._check(name, getattr(self, name) in known, f"one of {', '.join(known)}")

  def _check(self, name: str, good: bool, expected: str) -> None:
    if not good:
      raise ValueError(f"{name} must be {expected}, got {getattr(self, name)!r}")


_PUBLISHED = ControllerConfig(
  token_size=48,
  num_encodings=1,
  isomorphic=False,
  encoder_size=96,
  decoder_token_size=96,
  target="min_max",
  learning_rate=1e-3,
  unlabeled_batch_size=0,
  decoder_every=1,
  epochs=1000,
  batch_size=100,
)

_TENSORFLOW = dataclasses.replace(
  _PUBLISHED, attention="bahdanau", encoder_dropout=0.1, l2=1e-4, initializer="uniform", init_range=0.1
)

_TORCH = dataclasses.replace(_PUBLISHED, double_bias=True, initializer="torch", forget_bias=0.0)

PRESETS: dict[str, ControllerConfig] = {
  "default": ControllerConfig(),
  "nao_cnn": dataclasses.replace(_TENSORFLOW, token_size=32, mlp_layers=0, batch_size=50, orthogonal_decoder=True),
  "nao_ws_cnn": dataclasses.replace(_TENSORFLOW, mlp_layers=3, mlp_size=100, orthogonal_decoder=True, num_encodings=16),
  "nao_rnn": dataclasses.replace(
    _TENSORFLOW, token_size=96, tokens_per_step=1, mlp_layers=3, mlp_size=200, mlp_dropout=0.1, batch_size=50
  ),
  "nao_ws_rnn": dataclasses.replace(
    _TORCH,
    tokens_per_step=2,
    embedding_dropout=0.1,
    mlp_layers=4,
    mlp_size=200,
    attention="dot",
    combine_bias=True,
    initializer="uniform",
    init_range=0.04,
    weight_decay=1e-4,
  ),
  "torch": dataclasses.replace(
    _TORCH, mlp_layers=3, mlp_size=200, mlp_dropout=0.1, weight_decay=1e-4, num_encodings=16
  ),
  "torch_v2": dataclasses.replace(
    _TORCH, token_size=32, encoder_size=64, decoder_token_size=64, mlp_layers=0, num_encodings=10
  ),
}
"""Configurations by name: `default`, which is tuned for small budgets, and those of the six published releases."""


def make_config(name: str) -> ControllerConfig:
  """Returns the configuration of that name.

  Raises:
    ValueError: if there is none.
  """
  if name not in PRESETS:
    raise ValueError(f"unknown controller {name!r}; expected one of {', '.join(sorted(PRESETS))}")
  return PRESETS[name]
