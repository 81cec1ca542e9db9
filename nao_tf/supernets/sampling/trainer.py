"""One-shot search that samples a path of a supernet per training step: ENAS, and random search with weight sharing.

An epoch of the search consists of an epoch of weight training, in which each minibatch trains the architecture sampled
for it, and then some gradient steps of the sampler, if it learns: it samples architectures, whose rewards are computed
on validation minibatches with fixed weights. So the weights learn from training examples, and the sampler from
validation examples (Pham et al., ICML 2018, section 2.2). With a sampler that does not learn, this is random search
with weight sharing (Li and Talwalkar, UAI 2019, section 3.3).

At the end many architectures are sampled and scored on the same minibatch. The best of these are scored on the whole
validation set.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import tensorflow as tf

from nao_tf.reports.choices import label_of
from nao_tf.runs.shares import Shares
from nao_tf.spaces.base import SearchSpace
from nao_tf.supernets import make_supernet_trainer
from nao_tf.supernets.architecture_sampler import CHOOSING, LEARNING, ArchitectureSampler
from nao_tf.supernets.config import SharingConfig
from nao_tf.supernets.sampling.config import SamplingConfig
from nao_tf.supernets.sampling.samplers import make_sampler
from nao_tf.supernets.supernet_trainer import SupernetTrainer
from nao_tf.tasks.base import Task
from nao_tf.training.base import BaseTrainingConfig, Metrics
from nao_tf.trial import Architecture

_AT_THE_END = 0
"""The number of the draw at the end. Draws after an epoch have its number, from 1."""
_ROUNDS = 20
"""So many times at most as many architectures are sampled as are wanted, until that many differ."""
_PERPLEXITY = "perplexity"


class SamplingTrainer:
  """Trains shared weights and a sampler of architectures, epoch by epoch.

  It is a `nao_tf.training.base.Trainer` and can be run by a `TrainingDirectory`.

  Attributes:
    task: the task; the sampler learns on its validation set.
    config: how architectures are sampled.
    supernet: trainer of the shared weights.
    sampler: the sampler of architectures.
    epoch: a variable, the number of completed epochs.
    resumes_within_epochs: True: the training can be resumed between two steps, of the weights or of the sampler.
  """

  resumes_within_epochs = True

  def __init__(
    self,
    task: Task,
    space: SearchSpace,
    supernet: SupernetTrainer,
    sampler: ArchitectureSampler,
    config: SamplingConfig,
  ) -> None:
    """Initializes the search.

    Args:
      task: the task.
      space: the search space.
      supernet: trains the shared weights; fresh.
      sampler: what to draw architectures from; fresh.
      config: how architectures are sampled.

    Raises:
      ValueError: if there is no validation set.
    """
    if not task.num_examples("valid"):
      raise ValueError(f"{task.name}: a search needs a validation set; set validation_fraction above 0")
    self.task, self.config, self.supernet, self.sampler = task, config, supernet, sampler
    self._space = space
    self.epoch = tf.Variable(0, dtype=tf.int64, trainable=False, name="epoch")
    self._policy_steps = tf.Variable(0, dtype=tf.int64, trainable=False, name="policy_steps")
    self._train_loss = tf.Variable(0.0, dtype=tf.float64, trainable=False, name="train_loss")
    self._rewards = tf.Variable(0.0, dtype=tf.float64, trainable=False, name="rewards")
    self._derived: tuple[int, Architecture] | None = None

  @property
  def training_config(self) -> BaseTrainingConfig:
    """How the shared weights are trained."""
    return self.supernet.training_config

  @property
  def state(self) -> dict[str, Any]:
    """The checkpointed state, from which the search resumes as if it had not been interrupted."""
    weights = {f"shared_{name}": value for name, value in self.supernet.state.items()}
    counts = {"epoch": self.epoch, "policy_steps": self._policy_steps}
    return {**weights, **self.sampler.state, **counts, "train_loss": self._train_loss, "rewards": self._rewards}

  @property
  def steps_per_epoch(self) -> int:
    """How many steps an epoch has, those of the sampler included, approximately."""
    return self.supernet.steps_per_epoch + self.config.policy_steps

  @property
  def num_steps_done(self) -> int:
    """How many steps have been made, of the weights and of the sampler."""
    return self.supernet.num_steps_done + int(self._policy_steps)

  @property
  def learning_rate(self) -> float:
    """The learning rate of the shared weights at the current step."""
    return self.supernet.learning_rate

  def fit(self, *, on_step: Callable[[], None] = lambda: None) -> Iterator[Metrics]:
    """Trains from the current step to the last epoch.

    Args:
      on_step: called after each step.

    Yields:
      The metrics of each epoch: `epoch` (from 1), `train_loss`, `seconds`; `entropy` of the sampler's decisions in
      nats, summed up; `mean_reward` of what it has learned from, if it learns; and the metrics of the best architecture
      of some that it then samples, on the validation set, with the prefix `valid_`.

    Raises:
      nao_tf.training.base.Diverged: if the loss becomes NaN or infinite.
    """
    start = time.perf_counter()
    self.supernet.start_sampling(self.sampler, self.training_config.epochs)
    if int(self.supernet.epoch) > int(self.epoch):
      yield self._end_epoch(on_step, start)
      start = time.perf_counter()
    for metrics in self.supernet.fit(on_step=on_step):
      self._train_loss.assign(metrics["train_loss"])
      yield self._end_epoch(on_step, start)
      start = time.perf_counter()

  def architecture(self) -> Architecture:
    """Returns the best on one minibatch of the architectures that were sampled after the last epoch."""
    number = int(self.epoch)
    if self._derived is None or self._derived[0] != number:
      self._derived = number, self._best(self._candidates(self.config.epoch_samples, number), 1, number)[0]
    return self._derived[1]

  def shares(self) -> list[Shares]:
    """Returns the mean probabilities of the choices of each decision, of a sampler that learns."""
    means = self.sampler.probabilities(self._drawn_after(int(self.epoch)))
    names = self._space.decision_names
    return [_shares(self._space, position, names[position], values) for position, values in enumerate(means)]

  def drawn(self) -> Iterator[tuple[Architecture, Metrics]]:
    """Yields the best on one minibatch of many architectures, with their metrics on the whole validation set.

    Each has the prefix `valid_`. The best on the minibatch comes first.
    """
    start = time.perf_counter()
    candidates = self._candidates(self.config.final_samples, _AT_THE_END)
    for architecture in self._best(candidates, self.config.final_count, _AT_THE_END):
      metrics = self._valid(architecture)
      yield architecture, {**metrics, "seconds": time.perf_counter() - start}
      start = time.perf_counter()

  def _end_epoch(self, on_step: Callable[[], None], start: float) -> Metrics:
    """Lets the sampler learn after an epoch of the weights, and returns the metrics of the epoch."""
    number = int(self.epoch) + 1
    for step in range(int(self._policy_steps), number * self.config.policy_steps):
      self._learn(step)
      on_step()
    figures: Metrics = {"epoch": number, "train_loss": float(self._train_loss)}
    figures["entropy"] = self.sampler.entropy(self._drawn_after(number))
    if self.config.policy_steps:
      figures["mean_reward"] = float(self._rewards) / self.config.policy_steps
    self._rewards.assign(0.0)
    self.epoch.assign(number)
    return {**figures, **self._valid(self.architecture()), "seconds": time.perf_counter() - start}

  def _learn(self, step: int) -> None:
    """Lets the sampler take a gradient step. Each of its samples has a minibatch of its own."""
    count = self.config.samples_per_step
    architectures = self.sampler.sample(count, (LEARNING, step))
    rewards = [self._reward(self._score(a, minibatch)) for minibatch, a in enumerate(architectures, step * count)]
    finite = {place: reward for place, reward in enumerate(rewards) if math.isfinite(reward)}
    if finite:
      self.sampler.update([architectures[place] for place in finite], list(finite.values()))
      self._rewards.assign_add(sum(finite.values()) / len(finite))
    self._policy_steps.assign(step + 1)

  def _reward(self, metrics: Metrics) -> float:
    """Returns what the sampler learns from."""
    if _PERPLEXITY in metrics:
      return self.config.perplexity_scale / metrics[_PERPLEXITY]
    return self.task.reward(metrics)

  def _score(self, architecture: Architecture, minibatch: int) -> Metrics:
    return self.supernet.score_on_minibatch(architecture, minibatch, calibrates=self.config.calibrates)

  def _valid(self, architecture: Architecture) -> Metrics:
    """Returns the metrics of an architecture on the whole validation set."""
    return {f"valid_{name}": value for name, value in self.supernet.score(architecture).items()}

  def _drawn_after(self, number: int) -> list[Architecture]:
    """Returns the first architectures that are sampled after an epoch."""
    return self.sampler.sample(self.config.epoch_samples, (CHOOSING, number * _ROUNDS))

  def _candidates(self, count: int, number: int) -> list[Architecture]:
    """Returns different architectures that are sampled after an epoch; fewer if the sampler hardly has so many."""
    found: dict[Architecture, Architecture] = {}
    for round_ in range(_ROUNDS):
      for architecture in self.sampler.sample(count, (CHOOSING, number * _ROUNDS + round_)):
        found.setdefault(self._space.canonical(architecture), architecture)
      if len(found) >= count:
        break
    return list(found.values())[:count]

  def _best(self, architectures: Sequence[Architecture], count: int, minibatch: int) -> list[Architecture]:
    """Returns those with the best scores on a minibatch, best first."""
    scores = {architecture: self._rank(self._score(architecture, minibatch)) for architecture in architectures}
    return sorted(scores, key=lambda architecture: -scores[architecture])[:count]

  def _rank(self, metrics: Metrics) -> float:
    by_loss = self.supernet.sharing_config.score == "loss"
    score = -metrics["loss"] if by_loss else self.task.reward(metrics)
    return -math.inf if math.isnan(score) else score


def _shares(space: SearchSpace, position: int, name: str, values: Sequence[float]) -> Shares:
  """Returns the probabilities of the choices of a decision with the names of the choices."""
  labels = [label_of(space, position, choice) for choice in range(len(values))]
  return Shares(labels[0][0], name, tuple(label for _, label in labels), tuple(values))


def make_sampling_trainer(
  task: Task,
  space: SearchSpace,
  network_config: Any,
  training_config: BaseTrainingConfig,
  config: SamplingConfig,
  sharing_config: SharingConfig,
  *,
  distribution: tf.distribute.Strategy,
  seed: int,
) -> SamplingTrainer:
  """Returns a trainer of shared weights and a sampler of architectures.

  Args:
    task: the task. The supernet is chosen by its class.
    space: the search space.
    network_config: size and regularization of the networks.
    training_config: how the shared weights are trained.
    config: how architectures are sampled.
    sharing_config: how weights are shared, and which metric ranks architectures.
    distribution: the `tf.distribute.Strategy` of the process.
    seed: random seed.

  Raises:
    ValueError: if there is no validation set, or as `nao_tf.supernets.make_supernet_trainer`, or the space does not fit
      the sampler.
  """
  sampler = make_sampler(space, config, seed=seed)
  supernet = make_supernet_trainer(
    task, space, network_config, training_config, sharing_config, distribution=distribution, seed=seed
  )
  return SamplingTrainer(task, space, supernet, sampler, config)
