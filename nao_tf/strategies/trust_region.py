"""The radius of the trust region of NAO's steps, by the one-fifth success rule (Rechenberg, "Evolutionsstrategie", 1973).

A predictor is only right near what it has seen. How near, its own errors tell: where steps lead to architectures that
are better than those they started from, longer steps are tried; where they do not, shorter ones.
"""

from collections.abc import Iterator, Mapping, Sequence

from nao_tf.strategies.adapted_factors import adapted_factor
from nao_tf.trial import Trial

TARGET = 0.2
"""The share of successful steps at which the radius does not change."""
SMALLEST, LARGEST = 0.125, 4.0
_RATE = 0.25
"""One success multiplies the radius by exp(0.8 / 4), one failure by exp(-0.2 / 4)."""


def radius(trials: Sequence[Trial], merits: Sequence[float]) -> float:
  """Returns the factor of step sizes after the steps of a search so far: 1 at the beginning.

  Args:
    trials: trials with a reward, in the order of their ids.
    merits: their rewards, or other figures by which they are compared; higher is better.
  """
  merit_of = {trial.id: merit for trial, merit in zip(trials, merits)}
  return adapted_factor(_successes(trials, merit_of), share=TARGET, rate=_RATE, smallest=SMALLEST, largest=LARGEST)


def _successes(trials: Sequence[Trial], merit_of: Mapping[int, float]) -> Iterator[bool]:
  """Yields whether each step led to a better architecture than those it started from."""
  for trial in trials:
    started_from = [merit_of[parent] for parent in trial.origin.parents if parent in merit_of]
    if trial.origin.kind == "ascent" and started_from:
      yield merit_of[trial.id] > max(started_from)
