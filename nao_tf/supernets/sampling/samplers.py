"""Samplers of architectures: uniform over a space, or a policy that learns from rewards."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from nao_tf.spaces.base import SearchSpace
from nao_tf.spaces.nasbench201 import Nasbench201Space
from nao_tf.spaces.nasnet import NasnetSpace
from nao_tf.strategies.attention_policy import LogitsConfig, make_attention_policy
from nao_tf.strategies.policies import Policy, make_policy
from nao_tf.strategies.reinforce import Baseline
from nao_tf.strategies.reinforce_config import ReinforceConfig
from nao_tf.supernets.architecture_sampler import ArchitectureSampler
from nao_tf.supernets.sampling.config import SamplingConfig
from nao_tf.training.variables import tf_variable
from nao_tf.trial import Architecture


class UniformSampler:
  """Samples uniformly from a space, without learning; an `ArchitectureSampler`."""

  def __init__(self, space: SearchSpace, *, seed: int, distinct_inputs: bool = False) -> None:
    """Initializes the sampler.

    Args:
      space: whose architectures are drawn.
      seed: random seed of the draws.
      distinct_inputs: whether only cells are drawn of which no node reads one state twice.

    Raises:
      ValueError: if inputs must be distinct in a space that has no image cells.
    """
    if distinct_inputs and not isinstance(space, NasnetSpace | Nasbench201Space):
      raise ValueError(f"{space.name}: distinct_inputs needs a space of image cells, such as darts")
    self._space, self._seed = space, seed
    self._distinct_inputs = distinct_inputs and isinstance(space, NasnetSpace)  # Others have no choice of inputs.

  @property
  def state(self) -> dict[str, Any]:
    """Nothing: it does not learn."""
    return {}

  def sample(self, count: int, key: tuple[int, int]) -> list[Architecture]:
    """Returns draws; see `ArchitectureSampler.sample`."""
    rng = np.random.default_rng([self._seed, *key])
    return [self._drawn(rng) for _ in range(count)]

  def update(self, architectures: Sequence[Architecture], rewards: Sequence[float]) -> None:
    """Does nothing."""

  def entropy(self, architectures: Sequence[Architecture]) -> float:
    """Returns the entropy of uniform decisions; see `ArchitectureSampler.entropy`."""
    del architectures
    return float(sum(np.log(decision.size) for decision in self._space.decisions))

  def probabilities(self, architectures: Sequence[Architecture]) -> list[list[float]]:
    """Returns nothing: it does not learn."""
    del architectures
    return []

  def _drawn(self, rng: np.random.Generator) -> Architecture:
    while True:
      architecture = self._space.sample(rng)
      if not self._distinct_inputs or not reads_twice(architecture):
        return architecture


class PolicySampler:
  """Samples from a policy trained with REINFORCE; an `ArchitectureSampler`.

  Attributes:
    policy: the policy.
  """

  def __init__(self, policy: Policy, *, baseline_decay: float, seed: int) -> None:
    """Initializes the sampler.

    Args:
      policy: not trained yet.
      baseline_decay: decay of the moving average of rewards that serves as the baseline.
      seed: random seed of the draws.
    """
    self.policy, self._seed = policy, seed
    self._baseline = Baseline(baseline_decay)
    self._average = tf.Variable(self._baseline.state, dtype=tf.float64, trainable=False, name="baseline")

  @property
  def state(self) -> dict[str, Any]:
    """The policy with its optimizer, and the average of the rewards."""
    weights = list(map(tf_variable, self.policy.trainable_variables))
    return {"policy": weights, "policy_optimizer": self.policy.optimizer, "baseline": self._average}

  def sample(self, count: int, key: tuple[int, int]) -> list[Architecture]:
    """Returns draws; see `ArchitectureSampler.sample`."""
    return self.policy.draw(count, np.random.default_rng([self._seed, *key]))

  def update(self, architectures: Sequence[Architecture], rewards: Sequence[float]) -> None:
    """Takes a gradient step; see `ArchitectureSampler.update`."""
    sum_, weight = self._average.numpy().tolist()
    self._baseline.state = sum_, weight
    advantages = self._baseline.advantages(rewards)
    self._average.assign(self._baseline.state)
    self.policy.update(architectures, advantages, [0.0] * len(architectures))

  def entropy(self, architectures: Sequence[Architecture]) -> float:
    """Returns the mean entropy of the policy's decisions; see `ArchitectureSampler.entropy`."""
    return float(tf.reduce_mean(self.policy.log_probabilities(tf.constant(architectures, tf.int32))[1]))

  def probabilities(self, architectures: Sequence[Architecture]) -> list[list[float]]:
    """Returns the mean probabilities of choices; see `ArchitectureSampler.probabilities`."""
    means = tf.reduce_mean(self.policy.probabilities(tf.constant(architectures, tf.int32)), 0).numpy()
    return [row[: decision.size].tolist() for row, decision in zip(means, self.policy.space.decisions)]


def make_sampler(space: SearchSpace, config: SamplingConfig, *, seed: int) -> ArchitectureSampler:
  """Returns what a search samples from.

  Args:
    space: whose architectures are drawn.
    config: how.
    seed: random seed of the draws, and of the weights of a policy.

  Raises:
    ValueError: if the space does not fit the config.
  """
  if config.sampler == "uniform":
    return UniformSampler(space, seed=seed, distinct_inputs=config.distinct_inputs)
  policy_config = ReinforceConfig(
    policy="lstm",
    units=config.units,
    learning_rate=config.learning_rate,
    baseline_decay=config.baseline_decay,
    entropy_weight=config.entropy_weight,
  )
  if isinstance(space, Nasbench201Space):  # Its nodes choose no inputs, so there is nothing to attend to.
    return PolicySampler(make_policy(space, policy_config, seed=seed), baseline_decay=config.baseline_decay, seed=seed)
  logits_config = LogitsConfig(
    initial_range=config.initial_range,
    temperature=config.temperature,
    tanh_constant=config.tanh_constant,
    operation_divisor=config.operation_divisor,
    separable_bias=config.separable_bias,
    separable_preference=config.separable_preference,
    distance_weight=config.distance_weight,
  )
  policy = make_attention_policy(space, policy_config, logits_config, seed=seed)
  return PolicySampler(policy, baseline_decay=config.baseline_decay, seed=seed)


def reads_twice(architecture: Architecture) -> bool:
  """Returns whether a node of image cells reads one state twice."""
  return any(left == right for left, right in zip(architecture[::4], architecture[2::4]))
