"""Settings of the strategy `bayesian`. Does not import SciPy, so that flags can be made from them."""

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
  """Settings of Bayesian optimization: the Gaussian process and the search for proposals.

  Attributes:
    kernel: distance between architectures: "otmann", optimal transport between networks (NASBOT); "edit", network edit
      distance (Auto-Keras); "decisions", distance between choices; "auto", otmann if the architectures of the space are
      networks, otherwise decisions.
    acquisition: acquisition function: "ei", expected improvement, or "ucb", upper confidence bound.
    search: how the acquisition function is maximized: "evolution", or "annealing" (tree search with simulated
      annealing).
    exploration: for "ucb", number of standard deviations by which the bound exceeds the mean.
    target: what is predicted: "ranks", the normal scores of the ranks of the rewards, or "rewards".
    num_initial: number of initial random architectures.
    num_candidates: number of candidates per proposal. 0: 25 times the square root of the number of trials, between 50
      and 500, as in NASBOT, and fewer beyond 300 trials.
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
"""`nasbot` and `autokeras` are the searches of the papers; `default` is that of NASBOT for any space, with ranks."""


class BayesianSettings:
  """Declares the settings of the strategy; see `nao_tf.strategies.base.Strategy`."""

  config_class: ClassVar[type[Any]] = BayesianConfig
  presets: ClassVar[Mapping[str, Any]] = PRESETS
