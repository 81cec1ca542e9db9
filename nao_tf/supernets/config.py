"""How weights are shared, trained and scored, as one frozen value without any framework."""

import dataclasses

from nao_tf import fields

SAMPLINGS = ("uniform", "parameters")
SCORES = ("loss", "reward")
OF_ROUNDS = ("epochs_per_round", "pool_size", "sampling", "reference_size")
"""Settings that only have a meaning where architectures of a pool are trained in rounds, not where each step samples one."""


@dataclasses.dataclass(frozen=True)
class SharingConfig:
  """Settings of weight sharing, beside the network_config and the training_config of the supernet.

  The defaults train the supernet to the end before anything is scored, so that all scores are of the same weights. The
  paper's schedule alternates: `epochs_per_round=30` of 150 (Luo et al., NeurIPS 2018, NAO-WS on CIFAR-10).

  Attributes:
    epochs_per_round: epochs that the supernet is trained for each time architectures come to be scored, until the epochs
      of the training_config are over; 0: all of them the first time.
    pool_size: architectures that the supernet is trained on in a round: those to be scored, the reference, the best of the
      earlier ones, and then random ones; never fewer than the first two together.
    sampling: how the architecture of a step is drawn from the pool: "uniform", all equally often; or "parameters", in
      proportion to its number of parameters (Luo et al., arXiv:1909.10815).
    reference_size: random architectures that are scored again in every round that trained. Scores of later rounds are
      mapped to the median and interquartile range that these had in the first round.
    calibration_batches: training batches that the batch-norm statistics of an architecture are taken from.
    validation_examples: examples of the validation set that an architecture is scored on, the same for all, rounded up to
      batches of one size; 0: all.
    score: which metric is the score: "loss", minus the validation loss; or "reward", that of the task, such as the
      accuracy in the paper. With shared weights, architectures differ so little in accuracy that the loss ranks them
      better: every example adds to it.
    weights_per_input: whether an operation has weights of its own for every state that it may read, as in the paper;
      otherwise the operation of a branch has the same weights whatever state it reads.
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
