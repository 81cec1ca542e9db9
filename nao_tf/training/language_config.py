"""How a language model is trained: the recipe, as one frozen value without any framework.

The defaults are the paper's on Penn Treebank (Luo et al., NeurIPS 2018, section 4.2 and its released settings), which are
those of AWD-LSTM (Merity, Keskar, Socher, ICLR 2018) but for the numbers.
"""

import dataclasses

import numpy as np

from nao_tf.training.config import check


@dataclasses.dataclass(frozen=True)
class LanguageTrainingConfig:
  """A training recipe for language models.

  Attributes:
    epochs: passes over the training text; 600 in the paper's search, 4000 in its final training.
    batch_size: streams that the training text is divided into, over all replicas.
    segment_length: mean length of a segment, through which the gradient goes back in time.
    segment_deviation: standard deviation of a segment's length.
    short_segments: share of the segments whose mean length is half as much.
    min_segment_length: no segment is shorter, except the last of an epoch.
    max_extra_length: no segment is longer than `segment_length` by more than this.
    optimizer: name of a Keras optimizer or of a registered one.
    learning_rate: for a segment of `segment_length`; in proportion to its length for others.
    weight_decay: factor of the weights that is added to the gradient after it has been clipped.
    clip_norm: bound on the norm of all gradients together; 0 for none.
    activation_weight: alpha, of the mean square of the outputs after dropout in the loss.
    temporal_activation_weight: beta, of the mean square of the differences of successive outputs in the loss.
    averaging_patience: weights are averaged once the validation loss is above the best of all but this many last
      evaluations; 0: not for that reason.
    averaging_epoch: weights are averaged from this epoch on, counted from 1, if not before; 0: they need not be.
    evaluation_streams: streams that the validation text is divided into; each begins without a past.
    test_streams: the same for the test text.
    evaluate_every: epochs from one evaluation on the validation text to the next; the last epoch always has one.
  """

  epochs: int = 600
  batch_size: int = 64
  segment_length: int = 35
  segment_deviation: float = 5.0
  short_segments: float = 0.05
  min_segment_length: int = 5
  max_extra_length: int = 20
  optimizer: str = "SGD"
  learning_rate: float = 20.0
  weight_decay: float = 8e-7
  clip_norm: float = 0.25
  activation_weight: float = 0.0
  temporal_activation_weight: float = 1e-3
  averaging_patience: int = 5
  averaging_epoch: int = 0
  evaluation_streams: int = 10
  test_streams: int = 1
  evaluate_every: int = 1

  def __post_init__(self):
    positive = ("epochs", "batch_size", "segment_length", "evaluation_streams", "test_streams", "evaluate_every")
    for name in (*positive, "min_segment_length"):
      check(self, name, getattr(self, name) >= 1, "at least 1")
    weights = ("weight_decay", "clip_norm", "activation_weight", "temporal_activation_weight")
    for name in (*weights, "averaging_patience", "averaging_epoch", "segment_deviation", "max_extra_length"):
      check(self, name, getattr(self, name) >= 0, "at least 0")
    check(self, "learning_rate", self.learning_rate > 0, "above 0")
    check(self, "short_segments", 0 <= self.short_segments <= 1, "in [0, 1]")


def segment_lengths(config: LanguageTrainingConfig, total: int, rng: np.random.Generator) -> list[int]:
  """Returns random lengths that add up to `total`: those of an epoch's segments, in order.

  A length is normally distributed around `segment_length`, or with probability `short_segments` around half of it, and
  kept within its bounds. The last one is what remains.
  """
  longest = config.segment_length + config.max_extra_length
  lengths, rest = [], total
  while rest > 0:
    mean = config.segment_length / (2 if rng.random() < config.short_segments else 1)
    length = int(rng.normal(mean, config.segment_deviation))
    lengths.append(min(max(config.min_segment_length, length), longest, rest))
    rest -= lengths[-1]
  return lengths
