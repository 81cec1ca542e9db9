"""What every planned search knows, whether it trains architectures one by one or one network that holds them all."""

import dataclasses
from typing import TYPE_CHECKING, Any

from nao_tf.runs.settings import flat_settings
from nao_tf.searches.choices import AnySpace, recorded_name
from nao_tf.searches.found import Found
from nao_tf.spaces.base import SearchSpace
from nao_tf.supernets.config import SharingConfig
from nao_tf.tasks.base import Configs, Task
from nao_tf.trial import Trial

if TYPE_CHECKING:
  from nao_tf.tasks.given_task import TaskInput


@dataclasses.dataclass(frozen=True)
class Planned:
  """Where a search is, what it learns from, what it searches, and the networks that it trains.

  Attributes:
    directory: directory of the search.
    data: what is learned from.
    validation_fraction: fraction of the data that is held out; None for that of the task.
    task: the task.
    named_space: what is searched, as it was given.
    space: the search space.
    configs: how networks are built and trained.
    sharing: how weights are shared, if they are.
  """

  directory: str
  data: "TaskInput"
  validation_fraction: float | None
  task: Task
  named_space: AnySpace
  space: SearchSpace
  configs: Configs
  sharing: SharingConfig

  def _settings(self, own: dict[str, Any], **options: Any) -> dict[str, Any]:
    """Returns settings that determine the course of the search, as JSON values.

    Args:
      own: settings of this kind of search.
      **options: further configurations, recorded field by field.
    """
    sharing = {} if self.sharing == SharingConfig() else {"sharing": self.sharing}
    configs = self.configs
    return {
      "space": recorded_name(self.named_space),
      **own,
      "validation_fraction": self.validation_fraction,
      **self.data.settings,
      **flat_settings(**options, **sharing, network=configs.network_config, training=configs.training_config),
    }

  def _found(self, best: Trial, seed: int) -> Found:
    return Found(
      self.directory,
      self.space,
      self.configs,
      self.data,
      best=best,
      task=self.task,
      validation_fraction=self.validation_fraction,
      seed=seed,
    )
