"""Optuna samplers as a search strategy; the default is the tree-structured Parzen estimator (TPE).

Optuna is an optional dependency (`pip install nao-tf[optuna]`). Each decision becomes a parameter of a study:
categorical, or an integer if the decision is ordered. Rewards are maximized. If a sample is not new, or is not an
architecture of the space, the sampler is asked again a few times; invalid samples are reported to it as bad. If the
sampler keeps returning known architectures, a random walk from its sample picks the first new one. Since every sample
stays in the study, the time of a search would otherwise grow with the square of the number of trials.

In a multi-objective search the study has all objectives. Suitable samplers are `NSGAIISampler`, `NSGAIIISampler` and
`TPESampler`, which then is MOTPE. Failed trials are left out.
"""

import dataclasses
import importlib.util
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nao_tf import fields
from nao_tf.objectives import Objectives
from nao_tf.registries import MissingPackage
from nao_tf.spaces.base import SearchSpace
from nao_tf.strategies.base import Proposal, Strategy
from nao_tf.trial import Architecture, Origin, Trial

if TYPE_CHECKING:
  import optuna

_ATTEMPTS = 20
_KNOWN_ATTEMPTS = 3
_LONGEST_WALK = 50
_SAMPLED = Origin("sampled")
_WALKED = Origin("sampled", indirect=True)
_OPTIONS = {"TPESampler": {"constant_liar": True}}
"""Options of samplers beside the seed. TPE keeps away from what is being evaluated."""
_PACKAGES = {"CmaEsSampler": "cmaes", "GPSampler": "torch"}
"""Packages that samplers need and that Optuna does not bring. It imports them in the middle of a search."""


@dataclasses.dataclass(frozen=True)
class OptunaConfig:
  """Settings of the Optuna strategy.

  Attributes:
    sampler: name of a class in `optuna.samplers`, such as "TPESampler" or "NSGAIISampler". "GPSampler" requires the
      package torch; "CmaEsSampler" requires the package cmaes and samples decisions without an order at random.
    num_initial: number of initial random architectures.
  """

  sampler: str = "TPESampler"
  num_initial: int = 10

  def __post_init__(self) -> None:
    fields.check_config(self)
    if self.num_initial < 0:
      raise ValueError(f"num_initial must not be negative, got {self.num_initial}")


class OptunaSearch(Strategy):
  """Proposes architectures sampled by an Optuna sampler."""

  config_class = OptunaConfig
  takes_objectives = True

  def __init__(
    self,
    space: SearchSpace,
    *,
    seed: int = 0,
    config: OptunaConfig = OptunaConfig(),
    sampler: "optuna.samplers.BaseSampler | None" = None,
  ):
    """Initializes the strategy.

    Args:
      space: the search space.
      seed: random seed; not that of a given sampler.
      config: settings of the strategy.
      sampler: an unused Optuna sampler, instead of the one named by `config`.

    Raises:
      ValueError: if Optuna has no sampler of that name, or the sampler cannot be created from a seed alone.
      MissingPackage: if Optuna or a package that the sampler needs is not installed.
    """
    super().__init__(space, seed=seed)
    self.config = config
    self._sampler = sampler or _make_sampler(config.sampler, seed)
    _check_packages(type(self._sampler).__name__)
    self._study = _make_study(self._sampler, [True])
    self._distributions = _distributions(space)
    self._pending: dict[Architecture, optuna.trial.Trial] = {}
    self._num_told: dict[Architecture, int] = {}

  def pursue(self, objectives: Objectives) -> None:
    """Switches to a multi-objective search; see `Strategy.pursue`."""
    super().pursue(objectives)
    self._study = _make_study(self._sampler, [objective.is_maximized for objective in objectives.members])

  def tell(self, trials: Iterable[Trial]) -> None:
    """Reports closed trials; see `Strategy.tell`."""
    trials = list(trials)
    super().tell(trials)
    for trial in sorted(trials, key=lambda trial: trial.id):
      if self._is_news(trial):
        self._tell_study(trial.architecture, self._values(trial))

  def propose(self, count: int, rng: np.random.Generator) -> Iterable[Proposal]:
    """Yields samples of the sampler; see `Strategy.propose`."""
    for _ in range(count if self.num_asked >= self.config.num_initial else 0):
      proposal = self._sample(rng)
      if proposal is None:
        return
      yield proposal

  def _sample(self, rng: np.random.Generator) -> Proposal | None:
    """Returns a new architecture; None if the sampler gives none, and a walk from what it gives comes to none."""
    known: list[Architecture] = []
    for _ in range(_ATTEMPTS):
      sampled = self._study.ask(self._distributions)
      architecture = tuple(int(sampled.params[name]) for name in self._distributions)
      if not self.space.is_valid(architecture):
        self._study.tell(sampled, state=self._bad)
      elif self.is_new(architecture):
        self._pending[architecture] = sampled
        return architecture, _SAMPLED
      else:
        self._study.tell(sampled, state=_optuna().trial.TrialState.FAIL)
        known.append(architecture)
      if len(known) == _KNOWN_ATTEMPTS:
        break
    return self._walk(known[-1], rng) if known else None

  def _walk(self, architecture: Architecture, rng: np.random.Generator) -> Proposal | None:
    """Returns the first new architecture on a random walk; None if the walk comes to none."""
    for _ in range(_LONGEST_WALK):
      architecture = self.space.mutate(architecture, rng)
      if self.is_new(architecture):
        return architecture, _WALKED
    return None

  def _is_news(self, trial: Trial) -> bool:
    """Returns whether a trial is told the first time, or the first time at a rung: a study keeps all that it is told."""
    count = len(trial.evaluations)
    is_news = count > self._num_told.get(trial.architecture, 0)
    self._num_told[trial.architecture] = max(count, self._num_told.get(trial.architecture, 0))
    return is_news

  @property
  def _bad(self) -> Any:
    """The state of what has no values. A study of several objectives knows no pruned trials."""
    state = _optuna().trial.TrialState
    return state.PRUNED if self.objectives is None else state.FAIL

  def _values(self, trial: Trial) -> list[float] | None:
    """Returns the reward or the objectives of a trial; None if it has failed."""
    if self.objectives is None or trial.evaluation is None:
      return None if trial.reward is None else [trial.reward]
    evaluation = self.objectives.complete(trial).evaluation
    if evaluation is None or evaluation.reward is None:
      return None
    return [evaluation.objectives[name] for name in self.objectives.names]

  def _tell_study(self, architecture: Architecture, values: list[float] | None) -> None:
    """Tells the study about an architecture that it has sampled or that somebody else has chosen."""
    outcome: dict[str, Any] = {"state": self._bad if values is None else _optuna().trial.TrialState.COMPLETE}
    pending = self._pending.pop(architecture, None)
    if pending is not None:
      self._study.tell(pending, values, **outcome)
      return
    params = dict(zip(self._distributions, architecture))
    given = _optuna().trial.create_trial(params=params, distributions=self._distributions, values=values, **outcome)
    self._study.add_trial(given)


def _make_sampler(name: str, seed: int) -> "optuna.samplers.BaseSampler":
  """Returns a new sampler of a name.

  Raises:
    ValueError: if there is none, or it needs more than a seed.
  """
  samplers = _optuna().samplers
  names = [known for known in samplers.__all__ if known.endswith("Sampler") and not known.startswith("Base")]
  if name not in names:
    raise ValueError(f"--optuna_sampler: unknown sampler {name!r}; expected one of {', '.join(sorted(names))}")
  try:
    return getattr(samplers, name)(seed=seed, **_OPTIONS.get(name, {}))
  except TypeError as error:
    raise ValueError(f"--optuna_sampler: {name} cannot be constructed from a seed alone: {error}") from error


def _check_packages(name: str) -> None:
  """Raises MissingPackage if a package is not installed that a sampler needs."""
  package = _PACKAGES.get(name)
  if package is not None and importlib.util.find_spec(package) is None:
    raise MissingPackage(f"--optuna_sampler: {name} needs the package {package}: pip install {package}")


def _make_study(sampler: "optuna.samplers.BaseSampler", maximized: Sequence[bool]) -> "optuna.study.Study":
  """Returns a new study, without Optuna's message that there is one.

  Args:
    sampler: sampler of the study.
    maximized: for each objective, whether higher is better.
  """
  directions = ["maximize" if is_maximized else "minimize" for is_maximized in maximized]
  verbosity = _optuna().logging.get_verbosity()
  _optuna().logging.set_verbosity(max(verbosity, _optuna().logging.WARNING))
  try:
    return _optuna().create_study(directions=directions, sampler=sampler)
  finally:
    _optuna().logging.set_verbosity(verbosity)


def _distributions(space: SearchSpace) -> dict[str, Any]:
  """Returns the parameter of each decision, in the order of the decisions."""
  distributions = _optuna().distributions
  width = len(str(len(space.decisions)))
  return {
    f"{position:0{width}d} {decision.kind}": distributions.IntDistribution(0, decision.size - 1)
    if decision.ordered
    else distributions.CategoricalDistribution(range(decision.size))
    for position, decision in enumerate(space.decisions)
  }


def _optuna() -> Any:
  """Returns the package Optuna.

  Raises:
    MissingPackage: if it is not installed; the message says how to install it.
  """
  try:
    import optuna
  except ImportError as error:
    raise MissingPackage("the strategy 'optuna' needs Optuna: pip install nao-tf[optuna]") from error
  return optuna
