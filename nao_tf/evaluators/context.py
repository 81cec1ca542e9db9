"""The context that a search passes to an evaluator chosen by name."""

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
  """Everything that a search passes to its evaluator, which uses the parts it needs.

  An evaluator that can be chosen by name has a class method that constructs it from a context:

      class Mine:

        @classmethod
        def from_context(cls, context: EvaluatorContext) -> "Mine":
          return cls(context.space)

  Attributes:
    space: the search space.
    seed: random seed.
    make_task: function that returns the task. It reads data, so only evaluators that need the task should call it. None
      if there is no task.
    configs: how candidate networks are built and trained; None for the defaults of the task.
    shared_configs: how a supernet is built and trained; None to use `configs`.
    sharing_config: how weights are shared and architectures are scored.
    score_elsewhere: function that scores architectures in other processes like
      `nao_tf.evaluators.shared_scores.SharedScores`, in order; None to score with shared weights in this process.
    directory: directory of the search, where an evaluator may store files; None if files cannot be stored.
    distribution: the `tf.distribute.Strategy` to train with; None for the current one.
    max_parameters: maximum number of trainable parameters; larger networks fail. None for no limit.
    reward: the epoch whose validation result is the reward, "last" or "best".
    table: path of a table file; None if there is none.
    rungs: in a search with rungs, the ascending numbers of epochs after which a training may be paused; empty
      otherwise.
    progress: whether to show progress bars.
    tensorboard: whether the evaluator's own trainings, such as that of a supernet, write curves for TensorBoard.
    objectives: names of the objectives of a multi-objective search; some are only measured if they are listed here.
    latency_batch_size: batch size at which the objective `latency` is measured.
    config: settings of the evaluator, an instance of its `config_class`; None if it has none.
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
      what: plural noun for what is stored there, for the error message.

    Raises:
      ValueError: if there is no directory.
    """
    if self.directory is None:
      raise ValueError(f"{what} are kept in the directory of the search; pass `directory`")
    return self.directory

  def task(self) -> Task:
    """Returns the task, reading its data.

    Raises:
      ValueError: if there is no task.
    """
    if self.make_task is None:
      raise ValueError("this evaluator needs a task; pass `make_task`")
    return self.make_task()

  def supernet_configs(self, task: Task) -> Configs:
    """Returns how a supernet is built and trained: `shared_configs`, `configs`, or the defaults of the task."""
    return self.shared_configs or self.configs or task.child


class EvaluatorClass(Protocol):
  """A class of evaluators that can be chosen by name.

  It may declare settings with the attributes `config_class` and `presets`, like `Strategy`. They are passed as
  `context.config`, and the command line has a flag for each of their fields.
  """

  def from_context(self, context: EvaluatorContext) -> Evaluator:
    """Constructs an evaluator; a class method.

    Raises:
      ValueError: if the context lacks something that the evaluator needs.
    """
