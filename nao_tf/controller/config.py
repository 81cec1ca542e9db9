"""Controller configurations, including the published ones.

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
  """Sizes and training hyperparameters of a controller: encoder, predictor and decoder.

  The defaults are the `default` preset, a small controller for small search budgets.

  Attributes:
    token_size: size of the encoder's token embeddings.
    tokens_per_step: number of consecutive tokens that the encoder reads per time step; None: as many as the vocabulary
      defines.
    encoder_size: number of units H of the encoder, of the architecture embedding and of the decoder, which is
      initialized with it.
    bidirectional: whether the encoder has a second LSTM that reads the tokens backward. A dense layer then maps both
      outputs to H.
    embedding_dropout: dropout rate on the encoder's token embeddings.
    encoder_dropout: dropout rate on the encoder's outputs, before normalization.
    mlp_layers: number of hidden ReLU layers of the predictor.
    mlp_size: number of units in each hidden layer of the predictor.
    mlp_dropout: dropout rate after each hidden layer of the predictor.
    decoder_token_size: size of the decoder's token embeddings, which are not shared with the encoder.
    attention: attention of the decoder: "bahdanau" (normalized, with input feeding), "bilinear" or "dot" (both
      Luong-style, after the LSTM).
    combine_bias: whether the layer that combines context and state has a bias ("bilinear" and "dot" only).
    double_bias: whether LSTMs have a second, redundant bias, as in PyTorch.
    initializer: weight initialization. "fan_in": uniform with limit sqrt(3 / inputs), recurrent kernels 0.7 times that,
      embeddings normal with standard deviation 0.5, biases zero. "uniform": uniform in [-init_range, init_range],
      biases zero. "torch": uniform with limit 1 / sqrt(inputs) (LSTMs: 1 / sqrt(units)), including biases; embeddings
      standard normal.
    init_range: limit of the "uniform" initializer.
    forget_bias: value added to the initial bias of the LSTMs' forget gates.
    orthogonal_decoder: whether to initialize the kernel of the decoder's LSTM as an orthogonal matrix.
    memory_noise: length of a random step that is added to the encoder outputs that the decoder learns from, so that it
      writes similar architectures for similar embeddings; 0 in the paper.
    score_weight: lambda in the joint loss, lambda * squared error + (1 - lambda) * cross-entropy; 0.8 in all releases.
    target: how rewards are scaled to targets in [0, 1]: "min_max", "rank" or "log_rank" (see
      `nao_tf.controller.dataset`).
    num_encodings: number of encodings per architecture for data augmentation, one of which is sampled in each step; 1:
      no augmentation.
    isomorphic: whether to sample encodings from all isomorphic ones (`SearchSpace.random_isomorphic`); otherwise by a
      few steps of the published symmetry (`SearchSpace.random_equivalent`).
    learning_rate: learning rate of Adam.
    final_learning_rate: learning rate at the end of each fit, as a fraction of `learning_rate`, after cosine decay; 1:
      constant.
    clip_norm: maximum global norm of the gradients, for each controller of an ensemble separately.
    l2: L2 regularization: coefficient of half the sum of squared weights in the loss, applied before gradient clipping.
    weight_decay: coefficient of the weights that are added to the clipped gradient, as in PyTorch's Adam.
    batch_size: number of scored architectures per step.
    unlabeled_batch_size: number of architectures without a score per step that trains the decoder.
    decoder_every: number of steps per decoder update: the decoder is trained in one out of this many steps.
    num_steps: number of optimization steps of a fit from scratch, if `epochs` is None.
    min_passes: minimum number of passes over the scored architectures in a fit from scratch.
    later_steps: number of optimization steps of each later fit that continues from the weights, if `epochs` is None.
    epochs: number of passes over the scored architectures in each fit; None: see `num_steps`.
    reset_optimizer: whether to reset the optimizer's moments at the start of each fit.
    unroll: whether to unroll recurrent layers in the graph. The numbers are the same; unrolled graphs run somewhat
      faster but take longer to trace.
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
  memory_noise: float = 0.0
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
    self._check("memory_noise", self.memory_noise >= 0, "at least 0")
    for name in ("learning_rate", "clip_norm", "init_range"):
      self._check(name, getattr(self, name) > 0, "positive")

  def steps_for(self, num_architectures: int, *, first: bool = True) -> int:
    """Returns the number of optimization steps of a fit.

    Args:
      num_architectures: number of scored architectures.
      first: whether the fit starts from scratch.
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
"""Configurations by name: `default`, which is tuned for small search budgets, and the six published ones."""


def make_config(name: str) -> ControllerConfig:
  """Returns the controller configuration with the given name.

  Raises:
    ValueError: if there is no such configuration.
  """
  if name not in PRESETS:
    raise ValueError(f"unknown controller {name!r}; expected one of {', '.join(sorted(PRESETS))}")
  return PRESETS[name]
