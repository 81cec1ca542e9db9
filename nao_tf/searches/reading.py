"""Reading what a search has left in its directory, whether it has finished or is still running."""

import os
from typing import TYPE_CHECKING, Any, overload

from nao_tf.runs.finalists import read_finalists
from nao_tf.runs.journal import read_search
from nao_tf.searches.search_record import SearchRecord

if TYPE_CHECKING:
  from nao_tf.searches.choices import AnySpace
  from nao_tf.searches.found import Found


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
