"""The configuration of language model training.

The defaults are those of the paper on Penn Treebank (Luo et al., NeurIPS 2018, section 4.2 and its released settings).
The method is that of AWD-LSTM (Merity, Keskar, Socher, ICLR 2018) with different hyperparameters.
"""

import dataclasses

import numpy as np

from nao_tf import fields
from nao_tf.training.config import MIXED_PRECISIONS, check, check_accumulation


@dataclasses.dataclass(frozen=True)
class LanguageTrainingConfig:
  """How to train a language model.

  Attributes:
    epochs: number of passes over the training text; 600 in the search of the paper, 4000 in its final training.
    batch_size: number of parallel streams that the training text is split into, over all replicas.
    accumulate_steps: number of equal parts that the streams of a step are split into for gradient accumulation, which
      needs only the memory of one part. The states of the streams are carried over as usual.
    segment_length: mean length of the segments for truncated backpropagation through time, in tokens.
    segment_deviation: standard deviation of the segment length.
    short_segments: fraction of segments whose mean length is half of `segment_length`.
    min_segment_length: minimum segment length, except for the last segment of an epoch.
    max_extra_length: maximum length of a segment beyond `segment_length`.
    optimizer: name of a Keras optimizer, or of a registered one.
    mixed_precision: "bfloat16" or "float16" to compute the cell in that type, with weights, softmax, losses and the
      state between segments in float32; "none" for float32. float16 uses loss scaling.
    learning_rate: learning rate for segments of length `segment_length`; it is scaled in proportion to the length of
      others.
    weight_decay: coefficient of the weights that are added to the gradient after clipping.
    clip_norm: maximum global norm of the gradients; 0 for no clipping.
    activation_weight: alpha, coefficient of activation regularization (AR): the mean square of the outputs after
      dropout.
    temporal_activation_weight: beta, coefficient of temporal activation regularization (TAR): the mean squared
      difference of successive outputs.
    averaging_patience: number of most recent evaluations n in the trigger of weight averaging (NT-ASGD): averaging
      starts once the validation loss is above the lowest before the last n evaluations. 0 to ignore the validation
      loss.
    averaging_epoch: epoch, from 1, at which weight averaging starts at the latest; 0 for no such limit.
    evaluation_streams: number of parallel streams that the validation text is split into; each starts from the zero
      state.
    test_streams: number of parallel streams that the test text is split into.
    evaluate_every: number of epochs between evaluations on the validation text; the last epoch is always evaluated.
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
    check_accumulation(self.batch_size, self.accumulate_steps)


def segment_lengths(training_config: LanguageTrainingConfig, total: int, rng: np.random.Generator) -> list[int]:
  """Samples the lengths of the segments of an epoch, in order. They add up to `total`.

  Each length is sampled from a normal distribution around `segment_length`, or with probability `short_segments` around
  half of it, and clipped to its limits. The last segment takes what remains.

  Args:
    training_config: defines the distribution and the limits.
    total: length of each stream of the text, in tokens.
    rng: random generator.
  """
  longest = training_config.segment_length + training_config.max_extra_length
  lengths, rest = [], total
  while rest > 0:
    mean = training_config.segment_length / (2 if rng.random() < training_config.short_segments else 1)
    length = int(rng.normal(mean, training_config.segment_deviation))
    lengths.append(min(max(training_config.min_segment_length, length), longest, rest))
    rest -= lengths[-1]
  return lengths
