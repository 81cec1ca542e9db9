"""The trainings of the winner, as they are recorded in the directory of a search."""

import dataclasses
import os
from collections.abc import Iterator, Sequence

from nao_tf.training.base import Metrics
from nao_tf.training.history import read_history, read_test_figures

_BEST = "best"
_TRAININGS = "trainings"


@dataclasses.dataclass(frozen=True)
class Training:
  """A training of the winner.

  Attributes:
    place: its directory in that of the search.
    history: metrics of its epochs.
    test: metrics on the test set; empty if it was not tested.
  """

  place: str
  history: Sequence[Metrics]
  test: Metrics


def read_trainings(directory: str) -> list[Training]:
  """Returns the trainings in the directory of a search that have at least one epoch.

  Raises:
    ValueError: if a file of one is corrupt.
  """
  found = [Training(place, read_history(path), read_test_figures(path)) for place, path in _places(directory)]
  return [training for training in found if training.history]


def _places(directory: str) -> Iterator[tuple[str, str]]:
  parent = os.path.join(directory, _TRAININGS)
  names = sorted(os.listdir(parent)) if os.path.isdir(parent) else []
  for place in (_BEST, *(os.path.join(_TRAININGS, name) for name in names)):
    yield place, os.path.join(directory, place)
