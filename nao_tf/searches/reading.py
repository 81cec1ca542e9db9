"""Loads the results of a search from its directory, whether the search has finished or is still running."""

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
  """Loads a search from its directory. The directory is only read, so the search may still be running.

  Args:
    directory: the directory of the search, as passed to `Journal` or `search`, or to `nao-search` as `--workdir`.
    x: the data of the search, as passed to `search`; None to load only what was recorded.
    y: labels, as passed to `search`.
    space: the search space. Only needed together with `x`, for a custom space that cannot be constructed without
      arguments.
    **options: data options, as passed to `search`, such as `data_dir` or `skip_corrupt`. Recorded options need not be
      repeated.

  Returns:
    A `SearchRecord` with the recorded settings and trials. With `x`, a `Found` as returned by `search`, whose `train`
    method trains the best network.

  Raises:
    RunDirectoryError: if the directory is not that of a search, contains a corrupt file, or belongs to a search on
      other data.
    ValueError: if the data is invalid.
  """
  directory = os.fspath(directory)
  settings, trials = read_search(directory)
  record = SearchRecord(directory, settings, trials, read_finalists(directory, trials))
  if x is None:
    return record
  from nao_tf.searches.found import found_again

  return found_again(record, x, y, space=space, **options)
