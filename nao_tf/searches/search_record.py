"""What a search has left on record."""

import dataclasses
from typing import Any, NoReturn

from nao_tf.objectives import pareto_set_on_record
from nao_tf.trial import Trial, best_trial, winning_trial


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
