"""Reading what a search has left in its directory, whether it has finished or is still running."""

import dataclasses
import os
from typing import TYPE_CHECKING, Any, NoReturn, overload

from nao_tf.objectives import pareto_set_on_record
from nao_tf.runs.finalists import read_finalists
from nao_tf.runs.journal import read_search
from nao_tf.trial import Trial, best_trial, winning_trial

if TYPE_CHECKING:
  from nao_tf.searches.choices import AnySpace
  from nao_tf.searches.found import Found


@dataclasses.dataclass(frozen=True)
class SearchRecord:
  """What is on record about a search.

  Attributes:
    directory: of the search.
    settings: what it was started with, by name.
    trials: all trials by id, open and failed ones too.
    reranked: the finalists that were evaluated again at a higher cost, with their ids in the search; often none.
  """

  directory: str
  settings: dict[str, Any]
  trials: list[Trial]
  reranked: list[Trial]

  @property
  def best(self) -> Trial | None:
    """The trial of the highest reward, of the reranked ones if there are any; None if none has a reward."""
    return best_trial(self.pareto_set) or best_trial(self.reranked) or winning_trial(self.trials)

  @property
  def pareto_set(self) -> list[Trial]:
    """The trials that no other one dominates, in a search for several objectives; empty in others."""
    return pareto_set_on_record(self.settings, self.trials)

  def train(self, *_: Any, **__: Any) -> NoReturn:
    """Raises ValueError: a search does not keep its data."""
    raise ValueError(
      f"{self.directory}: a search does not keep the data that it was made with; give them to train:"
      f" nao_tf.load({self.directory!r}, x, y).train(epochs=...)"
    )


@overload
def load(directory: str | os.PathLike[str]) -> SearchRecord: ...


@overload
def load(
  directory: str | os.PathLike[str], x: Any, y: Any = None, *, space: "AnySpace | None" = None, **options: Any
) -> "Found": ...


def load(
  directory: str | os.PathLike[str], x: Any = None, y: Any = None, *, space: Any = None, **options: Any
) -> "SearchRecord | Found":
  """Reads the directory of a search. Nothing is changed there, and the search may be running.

  Args:
    directory: as it was given to `Journal` or to `search`, or to `nao-search` as `--workdir`.
    x: the data of the search, as they were given to `search`; None to read what is on record alone.
    y: labels, as they were given to `search`.
    space: what was searched; needed with `x` if it was a space of your own that its class alone does not make.
    **options: options of the data, as they were given to `search`: `data_dir`, `skip_corrupt`. Those that are on record
      are not needed.

  Returns:
    What is on record; with `x` what `search` returns, whose `train` trains the best network.

  Raises:
    RunDirectoryError: if it is not the directory of a search, a file in it is corrupt, or it was made with other data.
    ValueError: if the data cannot be learned from.
  """
  directory = os.fspath(directory)
  settings, trials = read_search(directory)
  record = SearchRecord(directory, settings, trials, read_finalists(directory, trials))
  if x is None:
    return record
  from nao_tf.searches.found import found_again

  return found_again(record, x, y, space=space, **options)
