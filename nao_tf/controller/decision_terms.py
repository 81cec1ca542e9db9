"""The terms of the kernel over decisions: how far apart two architectures are in one decision. Does not need TensorFlow.

A number with many values is several decisions: a coarse one, and others that refine it. Their choices together are one
place on the way from the first to the last value, so they have terms in common.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from nao_tf.spaces.base import Decision

_CURVATURE = 3.0
"""Weight of the squared distance of ordered choices, relative to the plain distance."""
_SHARED_BY_ALL, _SHARED_BY_KIND, _OWN = 1.0, 1.0, 0.7
"""Prior variances of a log weight: of what is common to all decisions, to those of one kind, and to none."""
_FINEST = 25
"""Number of places between neighboring choices of a decision that is refined, at most. Finer ones are rounded."""


@dataclasses.dataclass(frozen=True)
class Term:
  """One weighted distance.

  Attributes:
    position: position of the decision.
    decision: the decision.
    refinements: the decisions after it that refine it.
    squared: whether it is the squared distance of ordered choices.
  """

  position: int
  decision: Decision
  refinements: tuple[Decision, ...]
  squared: bool

  @property
  def expected_log_weight(self) -> float:
    """Mean of the prior of the log weight, apart from what is common to all."""
    return float(np.log(_CURVATURE)) if self.squared else 0.0

  @property
  def num_places(self) -> int:
    """Number of different places P of the choices."""
    return (self.decision.size - 1) * self._resolution + 1

  def places(self, choices: np.ndarray) -> np.ndarray:
    """Returns the places [N], in [0, P), of encodings [N, L]."""
    place = choices[:, self.position] * self._resolution
    for number, refinement in enumerate(self.refinements, 1):
      offset = choices[:, self.position + number] - refinement.size // 2
      place = place + np.rint(offset * refinement.reach * self._resolution).astype(int)
    return np.clip(place, 0, self.num_places - 1)

  def features(self) -> np.ndarray:
    """Returns features [P, F] of all places whose squared distance is the distance of this term."""
    column, last = np.arange(self.num_places)[:, np.newaxis], max(self.num_places - 1, 1)
    if self.squared:
      return self.decision.reach * column / last
    if self.decision.ordered:
      return np.sqrt(self.decision.reach / last) * (column > np.arange(last))
    return np.sqrt(0.5) * (column == np.arange(self.num_places))

  @property
  def _resolution(self) -> int:
    """Number of places from a choice of the decision to the next one."""
    return min(round(1 / min((r.reach for r in self.refinements), default=1.0)), _FINEST)


def make_terms(decisions: Sequence[Decision]) -> list[Term]:
  """Returns the plain terms of decisions, then the squared ones of the ordered decisions."""
  plain: list[Term] = []
  for position, decision in enumerate(decisions):
    if decision.ordered and decision.reach != 1.0 and plain and plain[-1].decision.ordered:
      plain[-1] = dataclasses.replace(plain[-1], refinements=(*plain[-1].refinements, decision))
    else:
      plain.append(Term(position, decision, (), False))
  return plain + [dataclasses.replace(term, squared=True) for term in plain if term.decision.ordered]


def prior_covariance(terms: Sequence[Term]) -> np.ndarray:
  """Returns the covariance [W, W] of the prior of the log weights of terms."""
  types = np.array([(term.decision.ordered, term.squared) for term in terms])
  kinds = np.array([f"{term.decision.kind}/{term.squared}" for term in terms])
  alike = (types[:, np.newaxis] == types).all(axis=-1)
  return _SHARED_BY_ALL * alike + _SHARED_BY_KIND * (kinds[:, np.newaxis] == kinds) + _OWN * np.eye(len(terms))
