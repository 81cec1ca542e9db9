"""The recorded results of a search."""

import dataclasses
from typing import Any, NoReturn

from nao_tf.objectives import pareto_set_on_record
from nao_tf.trial import Trial, best_trial, winning_trial


@dataclasses.dataclass(frozen=True)
class SearchRecord:
  """The recorded results of a search, as returned by `nao_tf.load`.

  Attributes:
    directory: directory of the search.
    settings: settings of the search, by name.
    trials: all trials ordered by id, including open and failed ones.
    reranked: the finalists that were evaluated again at a higher cost, with their trial ids in the search. Empty if the
      search had no re-ranking.
  """

  directory: str
  settings: dict[str, Any]
  trials: list[Trial]
  reranked: list[Trial]

  @property
  def best(self) -> Trial | None:
    """The best trial: of the Pareto set, else of the re-ranked finalists, else of all trials; None if none has a reward."""
    return best_trial(self.pareto_set) or best_trial(self.reranked) or winning_trial(self.trials)

  @property
  def pareto_set(self) -> list[Trial]:
    """In a multi-objective search, the trials that are not dominated by any other; empty otherwise."""
    return pareto_set_on_record(self.settings, self.trials)

  def train(self, *_: Any, **__: Any) -> NoReturn:
    """Raises a ValueError, since the directory of a search does not contain its data; pass the data to `load` to train."""
    raise ValueError(
      f"{self.directory}: a search does not store its data; to train, pass the data:"
      f" nao_tf.load({self.directory!r}, x, y).train(epochs=...)"
    )
