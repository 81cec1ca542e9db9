"""How a language model is trained, as a frozen dataclass.

The defaults are those of the paper on Penn Treebank (Luo et al., NeurIPS 2018, section 4.2 and its released settings).
The method is that of AWD-LSTM (Merity, Keskar, Socher, ICLR 2018), with other numbers.
"""

import dataclasses

import numpy as np

from nao_tf import fields
from nao_tf.training.config import MIXED_PRECISIONS, check


@dataclasses.dataclass(frozen=True)
class LanguageTrainingConfig:
  """How a language model is trained.

  Attributes:
    epochs: passes over the training text; 600 in the search of the paper, 4000 in its final training.
    batch_size: number of streams that the training text is divided into, over all replicas.
    accumulate_steps: equal parts that a step divides its streams into: their gradients are computed one after the other and
      added up, in the memory that one part needs. The state of each stream is carried as without.
    segment_length: mean length of a segment, through which the gradient is propagated back in time.
    segment_deviation: standard deviation of the length of a segment.
    short_segments: share of the segments whose mean length is half of `segment_length`.
    min_segment_length: shortest length of a segment, except the last one of an epoch.
    max_extra_length: how much longer than `segment_length` a segment may be.
    optimizer: name of an optimizer of Keras, or of a registered one.
    mixed_precision: "bfloat16" or "float16": the cell computes in this type, while weights, softmax, losses and the state
      between segments stay in single precision; "none": all is in single precision. With float16 the loss is scaled.
    learning_rate: learning rate for a segment of `segment_length`; for others it is in proportion to their length.
    weight_decay: factor of the weights, which are added to the gradient after it has been clipped.
    clip_norm: bound on the norm of all gradients together; 0 for none.
    activation_weight: alpha, the weight of the mean square of the outputs after dropout in the loss.
    temporal_activation_weight: beta, the weight of the mean square of the differences of successive outputs in the loss.
    averaging_patience: averaging of the weights begins once the validation loss is above the lowest of all but this many
      last evaluations; 0 to ignore the validation loss.
    averaging_epoch: averaging begins at the latest with this epoch, counted from 1; 0 for no such bound.
    evaluation_streams: number of streams that the validation text is divided into; each begins without a past.
    test_streams: number of streams that the test text is divided into.
    evaluate_every: epochs between two evaluations on the validation text; the last epoch always has one.
  """

  epochs: int = 600
  batch_size: int = 64
  accumulate_steps: int = 1
  segment_length: int = 35
  segment_deviation: float = 5.0
  short_segments: float = 0.05
  min_segment_length: int = 5
  max_extra_length: int = 20
  optimizer: str = "SGD"
  mixed_precision: str = "none"
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

  def __post_init__(self) -> None:
    fields.check_config(self)
    positive = ("epochs", "batch_size", "segment_length", "evaluation_streams", "test_streams", "evaluate_every")
    for name in (*positive, "min_segment_length", "accumulate_steps"):
      check(self, name, getattr(self, name) >= 1, "at least 1")
    weights = ("weight_decay", "clip_norm", "activation_weight", "temporal_activation_weight")
    for name in (*weights, "averaging_patience", "averaging_epoch", "segment_deviation", "max_extra_length"):
      check(self, name, getattr(self, name) >= 0, "at least 0")
    check(self, "mixed_precision", self.mixed_precision in MIXED_PRECISIONS, f"one of {', '.join(MIXED_PRECISIONS)}")
    check(self, "learning_rate", self.learning_rate > 0, "above 0")
    check(self, "short_segments", 0 <= self.short_segments <= 1, "in [0, 1]")


def segment_lengths(training_config: LanguageTrainingConfig, total: int, rng: np.random.Generator) -> list[int]:
  """Returns random lengths of the segments of an epoch, in order. They add up to `total`.

  A length is normally distributed around `segment_length`, or with probability `short_segments` around half of it, and
  clipped to its bounds. The last length is what remains.

  Args:
    training_config: has the distribution and the bounds.
    total: length of each stream of the text, in tokens.
    rng: source of randomness.
  """
  longest = training_config.segment_length + training_config.max_extra_length
  lengths, rest = [], total
  while rest > 0:
    mean = training_config.segment_length / (2 if rng.random() < training_config.short_segments else 1)
    length = int(rng.normal(mean, training_config.segment_deviation))
    lengths.append(min(max(training_config.min_segment_length, length), longest, rest))
    rest -= lengths[-1]
  return lengths
