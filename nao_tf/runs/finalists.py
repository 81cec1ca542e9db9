"""The finalists of a search: its best trials, evaluated again in a run directory of their own."""

import dataclasses
import os
from collections.abc import Sequence

from nao_tf.runs.journal import TRIALS_FILE, JournalError, read_trials
from nao_tf.trial import Trial

RERANK_DIRECTORY = "rerank"
"""The run directory of the finalists, in the directory of the search."""


def read_finalists(directory: str, trials: Sequence[Trial]) -> list[Trial]:
  """Returns the finalists of a search with the ids that they have there; none if there are none.

  Args:
    directory: directory of the search.
    trials: trials of the search.

  Raises:
    JournalError: if their journal is corrupt, or they are those of another search.
  """
  place = os.path.join(directory, RERANK_DIRECTORY)
  if not os.path.exists(os.path.join(place, TRIALS_FILE)):
    return []
  try:
    return with_ids_of(trials, read_trials(place))
  except ValueError as error:
    raise JournalError(f"{os.path.join(place, TRIALS_FILE)}: not the finalists of this search ({error})") from error


def with_ids_of(trials: Sequence[Trial], others: Sequence[Trial]) -> list[Trial]:
  """Returns the others, each with the id of the trial that has the same architecture.

  Raises:
    ValueError: if one has an architecture of no trial.
  """
  ids = {trial.architecture: trial.id for trial in trials}
  strangers = [other.id for other in others if other.architecture not in ids]
  if strangers:
    raise ValueError(f"trial {strangers[0]} has an architecture that no trial of the search has")
  return [dataclasses.replace(other, id=ids[other.architecture]) for other in others]
