"""The configuration of weight sharing. Does not import TensorFlow."""

import dataclasses

from nao_tf import fields

SAMPLINGS = ("uniform", "parameters")
SCORES = ("loss", "reward")
OF_ROUNDS = ("epochs_per_round", "pool_size", "sampling", "reference_size")
"""Settings that only apply where a pool of architectures is trained in rounds, not where each step samples one."""


@dataclasses.dataclass(frozen=True)
class SharingConfig:
  """Settings of weight sharing, in addition to the network_config and the training_config of the supernet.

  By default the supernet is trained to the end before any architecture is scored, so that all scores use the same
  weights. The paper alternates between training and scoring: `epochs_per_round=30` of 150 (Luo et al., NeurIPS 2018,
  NAO-WS on CIFAR-10).

  Attributes:
    epochs_per_round: number of epochs to train the supernet each time before architectures are scored, until all epochs
      of the training_config are done. 0: train all epochs the first time.
    pool_size: number of architectures that the supernet is trained on in a round: those to be scored, the reference
      architectures, the best earlier ones, and then random ones. The first two are always included.
    sampling: how the architecture of a training step is sampled from the pool: "uniform", or "parameters" with a
      probability proportional to its number of parameters (Luo et al., arXiv:1909.10815).
    reference_size: number of random reference architectures that are rescored after each round of training. Scores of
      later rounds are rescaled to the median and interquartile range that the reference had in the first round.
    calibration_batches: number of training batches to compute the batch normalization statistics of an architecture
      from.
    validation_examples: number of validation examples to score every architecture on, rounded up to full batches; 0 for
      all.
    score: "loss" for the negative validation loss, or "reward" for the reward of the task, such as accuracy, as in the
      paper. With shared weights, accuracies differ so little between architectures that the loss ranks them better.
    weights_per_input: whether an operation has separate weights for each state that it may read, as in the paper;
      otherwise it uses the same weights for all inputs.
  """

  epochs_per_round: int = 0
  pool_size: int = 1000
  sampling: str = "uniform"
  reference_size: int = 50
  calibration_batches: int = 4
  validation_examples: int = 0
  score: str = "loss"
  weights_per_input: bool = True

  def __post_init__(self) -> None:
    fields.check_config(self)
    for name, low in (
      ("epochs_per_round", 0),
      ("pool_size", 1),
      ("reference_size", 2),
      ("calibration_batches", 1),
      ("validation_examples", 0),
    ):
      if getattr(self, name) < low:
        raise ValueError(f"SharingConfig: {name} must be at least {low}, got {getattr(self, name)}")
    for name, known in (("sampling", SAMPLINGS), ("score", SCORES)):
      if getattr(self, name) not in known:
        raise ValueError(f"SharingConfig: {name} must be one of {', '.join(known)}, got {getattr(self, name)!r}")
