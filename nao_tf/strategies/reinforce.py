"""Reinforcement learning of a policy that samples architectures.

Sources: Zoph and Le, "Neural Architecture Search with Reinforcement Learning", ICLR 2017 (REINFORCE with a baseline);
Zoph et al., "Learning Transferable Architectures for Scalable Image Recognition", CVPR 2018 (NASNet: proximal policy
optimization, PPO); Dong et al., "NATS-Bench", TPAMI 2021 (a softmax for each decision).

In the papers, an architecture that is sampled again is trained again. Here its reward is already known, so the policy
learns from it at no cost and keeps sampling until it finds a new architecture.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from nao_tf.spaces.base import SearchSpace
from nao_tf.strategies.base import Proposal, Strategy
from nao_tf.strategies.policies import make_policy
from nao_tf.strategies.reinforce_config import PRESETS, ReinforceConfig, ReinforceSettings
from nao_tf.trial import Architecture, Origin, Trial

_ORIGIN = Origin("sampled")
_ROUNDS = 25
_FEWEST = 8
"""Samples in a round, at least. The policy is sampled for so many rounds until there are new architectures."""


class _Sample(NamedTuple):
  """What the policy learns from.

  Attributes:
    architecture: that it has sampled.
    log_probability: its log probability at that time.
    reward: its reward.
  """

  architecture: Architecture
  log_probability: float
  reward: float


class Reinforce(Strategy):
  """Samples architectures from a policy that is trained on their rewards."""

  config_class = ReinforceSettings.config_class
  presets = ReinforceSettings.presets

  def __init__(self, space: SearchSpace, *, seed: int = 0, config: ReinforceConfig = PRESETS["default"]):
    """Creates a policy that was not trained.

    Args:
      space: the search space.
      seed: random seed, also of the initial weights of the policy.
      config: settings of the strategy.
    """
    super().__init__(space, seed=seed)
    self.config = config
    self.policy = make_policy(space, config, seed=seed)
    self.baseline = Baseline(config.baseline_decay)
    self._log_probabilities: dict[Architecture, float] = {}
    self._closed: dict[Architecture, float | None] = {}
    self._news: list[Trial] = []
    self._range = math.inf, -math.inf

  def tell(self, trials: Iterable[Trial]) -> None:
    """Reports closed trials; see `Strategy.tell`."""
    trials = list(trials)
    super().tell(trials)
    self._closed.update((self.space.canonical(trial.architecture), trial.reward) for trial in trials)
    rewards = [trial.reward for trial in trials if trial.reward is not None]
    self._range = min([self._range[0], *rewards]), max([self._range[1], *rewards])
    self._news += [trial for trial in trials if trial.architecture in self._log_probabilities]

  def propose(self, count: int, rng: np.random.Generator) -> Iterable[Proposal]:
    """Trains the policy on newly reported trials, and yields samples; see `Strategy.propose`."""
    news, self._news = sorted(self._news, key=lambda trial: trial.id), []
    self._learn([(t.architecture, self._log_probabilities.pop(t.architecture, None), t.reward) for t in news])
    return self._samples(max(count, _FEWEST), rng)

  def _samples(self, count: int, rng: np.random.Generator) -> Iterator[Proposal]:
    """Yields new architectures that the policy samples, and trains it on those that are known."""
    for _ in range(_ROUNDS):
      known = []
      for architecture, log_probability in self.policy.sample(count, rng):
        if self._is_known(architecture):
          known.append((architecture, log_probability, self._known_reward(architecture)))
        elif self.is_new(architecture):
          self._log_probabilities[architecture] = log_probability
          yield architecture, _ORIGIN
      self._learn(known)

  def _is_known(self, architecture: Architecture) -> bool:
    """Returns whether a sample needs no evaluation: it has one, or it may not be proposed."""
    if not self.space.is_valid(architecture) or not self.space.is_admitted(architecture):
      return True
    return self.space.canonical(architecture) in self._closed

  def _known_reward(self, architecture: Architecture) -> float | None:
    """Returns the reward of an architecture; None if it has failed or is not valid."""
    return self._closed.get(self.space.canonical(architecture)) if self.space.is_valid(architecture) else None

  def _learn(self, outcomes: Sequence[tuple[Architecture, float | None, float | None]]) -> None:
    """Trains the policy on samples.

    What failed, and what is not an architecture, is as far below the worst known reward as the best is above it.
    """
    lowest, highest = map(self._powered, self._range)
    samples = [
      _Sample(architecture, log_probability, 2 * lowest - highest if reward is None else self._powered(reward))
      for architecture, log_probability, reward in outcomes
      if lowest <= highest and log_probability is not None
    ]
    if not samples:
      return
    advantages = self.baseline.advantages([sample.reward for sample in samples])
    for _ in range(self.config.num_updates):
      self.policy.update(
        [sample.architecture for sample in samples], advantages, [sample.log_probability for sample in samples]
      )

  def _powered(self, reward: float) -> float:
    """Returns what the policy learns from in place of a reward."""
    return math.copysign(abs(reward) ** self.config.reward_power, reward)


class Baseline:
  """The exponential moving average of rewards, with bias correction."""

  def __init__(self, decay: float):
    """Initializes without rewards.

    Args:
      decay: weight of the average when a batch comes in.
    """
    self._decay, self._sum, self._weight = decay, 0.0, 0.0

  @property
  def state(self) -> tuple[float, float]:
    """The state of the average: the weighted sum of the rewards so far, and the sum of their weights."""
    return self._sum, self._weight

  @state.setter
  def state(self, value: tuple[float, float]) -> None:
    self._sum, self._weight = value

  def advantages(self, rewards: Sequence[float]) -> list[float]:
    """Returns the differences between rewards and the average before them, and updates the average.

    The first batch is compared with its own mean.
    """
    mean = sum(rewards) / len(rewards)
    value = self._sum / self._weight if self._weight else mean
    self._sum = self._decay * self._sum + (1 - self._decay) * mean
    self._weight = self._decay * self._weight + (1 - self._decay)
    return [reward - value for reward in rewards]
