"""How weights are shared, trained and made into scores: as one frozen value without any framework."""

import dataclasses

SAMPLINGS = ("uniform", "parameters")
SCORES = ("loss", "reward")


@dataclasses.dataclass(frozen=True)
class SharingConfig:
  """Settings of a search with shared weights, beside the supernet's own configuration and recipe.

  The defaults train the supernet to the end before anything is scored, so that all scores are of the same weights. The
  paper's schedule alternates: `epochs_per_round=30` of 150 (Luo et al., NeurIPS 2018, NAO-WS on CIFAR-10).

  Attributes:
    epochs_per_round: epochs that the supernet is trained for each time architectures come to be scored, until the recipe's
      epochs are over; 0: all of them the first time.
    pool_size: architectures that the supernet is trained on in a round: those to be scored, the reference, the best of the
      earlier ones, and then random ones; never fewer than the first two together.
    sampling: how an architecture of the pool is drawn for a step: "uniform", all equally often; or "parameters", in
      proportion to its number of parameters (Luo et al., arXiv:1909.10815).
    reference_size: random architectures that are scored again in every round that trained; their median and
      interquartile range in the first round are what the scores of later rounds are brought to.
    calibration_batches: training batches that an architecture's batch-norm statistics are taken from.
    validation_examples: examples of the validation set that an architecture is scored on, the same for all, rounded up to
      batches of one size; 0: all.
    score: what of an architecture's metrics its score is: "loss", minus the validation loss; or "reward", the task's own,
      such as the accuracy in the paper. With shared weights architectures are so alike in accuracy that the loss, to which
      every example adds, ranks them better.
    weights_per_input: whether an operation has weights of its own for every state that it may read, as in the paper;
      otherwise a branch's operation has the same weights whatever it reads.
  """

  epochs_per_round: int = 0
  pool_size: int = 1000
  sampling: str = "uniform"
  reference_size: int = 50
  calibration_batches: int = 4
  validation_examples: int = 0
  score: str = "loss"
  weights_per_input: bool = True

  def __post_init__(self):
    for name, low in (
      ("epochs_per_round", 0),
      ("pool_size", 1),
      ("calibration_batches", 1),
      ("validation_examples", 0),
    ):
      if getattr(self, name) < low:
        raise ValueError(f"SharingConfig: {name} must be at least {low}, got {getattr(self, name)}")
    if self.reference_size < 2:
      raise ValueError(f"SharingConfig: reference_size must be at least 2, got {self.reference_size}")
    for name, known in (("sampling", SAMPLINGS), ("score", SCORES)):
      if getattr(self, name) not in known:
        raise ValueError(f"SharingConfig: {name} must be one of {', '.join(known)}, got {getattr(self, name)!r}")
