"""The settings of the strategy `bayesian`. Imports no SciPy: flags are made from them."""

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

from nao_tf import fields
from nao_tf.strategies.targets import RANKS, REWARDS, TARGETS

OTMANN, EDIT, DECISIONS, AUTO = "otmann", "edit", "decisions", "auto"
KERNELS = (AUTO, OTMANN, EDIT, DECISIONS)
EI, UCB = "ei", "ucb"
ACQUISITIONS = (EI, UCB)
EVOLUTION, ANNEALING = "evolution", "annealing"
SEARCHES = (EVOLUTION, ANNEALING)


@dataclasses.dataclass(frozen=True)
class BayesianConfig:
  """What the process compares, and how its proposals are found.

  Attributes:
    kernel: "otmann" compares networks by optimal transport, "edit" by edit distance, "decisions" compares choices;
      "auto" is otmann in spaces of networks and decisions in others.
    acquisition: "ei" is the expected improvement, "ucb" an upper confidence bound.
    search: how the best candidate is looked for: "evolution", or "annealing" over a tree.
    exploration: of ucb, standard deviations that the bound is above the mean.
    target: "ranks" predicts the normal scores of the rewards' ranks, "rewards" the rewards.
    num_initial: number of random architectures that a search starts with.
    num_candidates: candidates for each proposal; 0: 25 times the root of the number of trials, 50 to 500, as NASBOT,
      and fewer beyond 300 trials.
  """

  kernel: str = AUTO
  acquisition: str = EI
  search: str = EVOLUTION
  exploration: float = 2.576
  target: str = RANKS
  num_initial: int = 10
  num_candidates: int = 0

  def __post_init__(self) -> None:
    fields.check_config(self)
    choices = {
      "kernel": KERNELS,
      "acquisition": ACQUISITIONS,
      "search": SEARCHES,
      "target": TARGETS,
    }
    for name, expected in choices.items():
      fields.one_of(getattr(self, name), name, expected)
    fields.number(self.exploration, "exploration", 0)
    fields.integer(self.num_initial, "num_initial", 1)
    fields.integer(self.num_candidates, "num_candidates", 0)


PRESETS = {
  "default": BayesianConfig(),
  "nasbot": BayesianConfig(kernel=OTMANN, target=REWARDS),
  "autokeras": BayesianConfig(kernel=EDIT, acquisition=UCB, search=ANNEALING, target=REWARDS),
}
"""`nasbot` and `autokeras` are the searches of the papers; `default` is that of NASBOT in any space, on ranks."""


class BayesianSettings:
  """Declares the settings of the strategy, as `nao_tf.strategies.base.Strategy` has them."""

  config_class: ClassVar[type[Any]] = BayesianConfig
  presets: ClassVar[Mapping[str, Any]] = PRESETS
