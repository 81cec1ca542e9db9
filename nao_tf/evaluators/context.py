"""What an evaluator that is chosen by name is made from."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from nao_tf.supernets.config import SharingConfig

if TYPE_CHECKING:
  import tensorflow as tf

  from nao_tf.evaluators.base import Evaluator
  from nao_tf.spaces.base import SearchSpace
  from nao_tf.tasks.base import Configs, Task
  from nao_tf.trial import Architecture, Evaluation


@dataclasses.dataclass(frozen=True)
class EvaluatorContext:
  """What a search knows when it makes its evaluator. An evaluator takes from it what it needs.

  An evaluator that can be chosen by name has a class method that makes it:

      class Mine:

        @classmethod
        def from_context(cls, context: EvaluatorContext) -> "Mine":
          return cls(context.space)

  Attributes:
    space: what is searched.
    seed: of all randomness.
    make_task: returns the task. It reads data, so only evaluators that need the task call it. None: there is no task.
    configs: how the networks of architectures are built and trained; None: as the task does it by default.
    shared_configs: how a supernet is built and trained; None: as `configs` say.
    sharing_config: how weights are shared and made into scores.
    score_elsewhere: evaluates in other processes, in order, what `nao_tf.evaluators.shared_scores.SharedScores` does; None:
      shared weights score in this process.
    directory: of the search; an evaluator may keep files there. None: files cannot be kept.
    distribution: of the process; None: the current one.
    max_parameters: architectures whose networks have more trainable parameters fail; None: no bound.
    reward: the epoch whose validation result is the reward, "last" or "best".
    table: path of a table file; None: there is none.
    rungs: of a search in rungs: after how many epochs a child may be stopped, ascending; empty: there are no rungs.
    progress: whether to show progress bars.
    tensorboard: whether trainings of the evaluator's own, such as that of a supernet, write curves for TensorBoard.
    objectives: names of what is searched for, if that is several objectives; an evaluator measures some only then.
    latency_batch_size: examples of the batch that the objective `latency` is measured with.
    config: the evaluator's own settings, an instance of its `config_class`; None: it has none.
  """

  space: SearchSpace
  seed: int = 0
  make_task: Callable[[], Task] | None = None
  configs: Configs | None = None
  shared_configs: Configs | None = None
  sharing_config: SharingConfig = dataclasses.field(default_factory=SharingConfig)
  score_elsewhere: Callable[[Sequence[Architecture]], Iterable[Evaluation]] | None = None
  directory: str | None = None
  distribution: tf.distribute.Strategy | None = None
  max_parameters: int | None = None
  reward: str = "last"
  table: str | None = None
  rungs: tuple[int, ...] = ()
  progress: bool = False
  tensorboard: bool = True
  objectives: tuple[str, ...] = ()
  latency_batch_size: int = 1
  config: Any = None

  def directory_for(self, what: str) -> str:
    """Returns the directory of the search.

    Args:
      what: is kept there, in the plural, for the message.

    Raises:
      ValueError: if there is none.
    """
    if self.directory is None:
      raise ValueError(f"{what} are kept in the directory of the search; give `directory`")
    return self.directory

  def task(self) -> Task:
    """Returns the task, with its data.

    Raises:
      ValueError: if there is none.
    """
    if self.make_task is None:
      raise ValueError("this evaluator needs a task; give `make_task`")
    return self.make_task()

  def supernet_configs(self, task: Task) -> Configs:
    """Returns how a supernet is built and trained."""
    return self.shared_configs or self.configs or task.child


class EvaluatorClass(Protocol):
  """A class of evaluators that can be chosen by name.

  It may declare settings of its own with the attributes `config_class` and `presets`, as `Strategy` has them. They then
  come as `context.config`, and the command line has flags for them.
  """

  def from_context(self, context: EvaluatorContext) -> Evaluator:
    """Returns an evaluator: a class method.

    Raises:
      ValueError: if the context lacks what the evaluator needs.
    """
