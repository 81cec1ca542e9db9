"""The data types of a search: architectures, evaluations, origins and trials.

They are independent of any framework. An `Architecture` is a tuple of choices whose meaning is defined by the search
space.
"""

import dataclasses
import heapq
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nao_tf import fields

Architecture = tuple[int, ...]

LONGEST = 1e15
"""Numbers from here on are shown as powers of ten, not with all of their digits."""


@dataclasses.dataclass(frozen=True)
class Evaluation:
  """The result of evaluating one architecture.

  Attributes:
    reward: the value that a search maximizes, a finite number; None if the evaluation failed.
    cost_seconds: wall time of the evaluation, in seconds.
    metrics: further results by name, as JSON values. A failed evaluation gives its `reason` here. NumPy and TensorFlow
      numbers and arrays are converted to numbers and lists; numbers that are not finite become None, and what is no
      character in a text becomes "?".
    rung: in a search with rungs, the rung that this result belongs to; 0 is the lowest.
    objectives: in a multi-objective search, the finite value of each objective by name. It is filled in by the search.
  """

  reward: float | None
  cost_seconds: float = 0.0
  metrics: Mapping[str, Any] = dataclasses.field(default_factory=dict)
  rung: int = 0
  objectives: Mapping[str, float] = dataclasses.field(default_factory=dict)

  def __post_init__(self) -> None:
    """Converts NumPy and TensorFlow values to Python values, so that every evaluation can be recorded.

    Raises:
      TypeError: if a value has the wrong type; the message names it.
      ValueError: if the reward, the cost or an objective is not finite, or metrics are nested too deeply.
    """
    reward = None if self.reward is None else _number(self.reward, "reward")
    if reward is not None and not math.isfinite(reward):
      raise ValueError(f"a reward must be finite, got {reward}; report a failure with Evaluation.failed(reason)")
    cost_seconds = _number(self.cost_seconds, "cost_seconds")
    if not math.isfinite(cost_seconds):
      raise ValueError(f"cost_seconds must be finite, got {cost_seconds}")
    if not isinstance(self.metrics, Mapping):
      raise TypeError(f"metrics must be a mapping from names to values, got {self.metrics!r}")
    object.__setattr__(self, "reward", reward)
    object.__setattr__(self, "cost_seconds", cost_seconds)
    object.__setattr__(self, "metrics", _json_value(self.metrics, "metrics", _DEEPEST_METRICS))
    object.__setattr__(self, "objectives", _objectives(self.objectives))

  @classmethod
  def failed(cls, reason: str, cost_seconds: float = 0.0, **metrics: Any) -> "Evaluation":
    """Returns a failed evaluation, without a reward, for the given reason."""
    return cls(None, cost_seconds, {"reason": reason, **metrics})

  @classmethod
  def raised(cls, error: BaseException, cost_seconds: float = 0.0) -> "Evaluation":
    """Returns a failed evaluation for an exception; the first line of its message is the reason."""
    return cls.failed(f"{type(error).__name__}: {first_line(error)}", cost_seconds)

  @property
  def ok(self) -> bool:
    """Whether the evaluation succeeded, that is, has a reward."""
    return self.reward is not None

  def to_json(self) -> dict[str, Any]:
    """Returns the evaluation as a dict of JSON values, the inverse of `from_json`."""
    values = {"reward": self.reward, "cost_seconds": self.cost_seconds, "metrics": dict(self.metrics)}
    rung = {"rung": self.rung} if self.rung else {}
    return {**values, **rung, **({"objectives": dict(self.objectives)} if self.objectives else {})}

  @classmethod
  def from_json(cls, data: Any) -> "Evaluation":
    """Builds an evaluation from the output of `to_json`.

    Raises:
      ValueError: if `data` is not such a dict; the message says what was expected.
    """
    members = fields.members(data, "an evaluation", ("reward", "cost_seconds", "metrics"), ("rung", "objectives"))
    objectives = fields.mapping(members.get("objectives", {}), "objectives")
    return cls(
      fields.number_or_none(members["reward"], "reward"),
      fields.number(members["cost_seconds"], "cost_seconds", 0),
      fields.mapping(members["metrics"], "metrics"),
      fields.integer(members.get("rung", 0), "rung", 0),
      {name: fields.number(value, name) for name, value in objectives.items()},
    )


@dataclasses.dataclass(frozen=True)
class Origin:
  """Describes how an architecture was generated.

  `str(origin)` is a readable description, such as "mutation of #3" or "ascent from #12, step 10".

  Attributes:
    kind: how the architecture was generated: "random", "mutation", "ascent" (decoded after a step along the predictor's
      gradient), "decoded" (sampled from the decoder without a step), "neighbor", "rerank", "given", "derived" (by a
      one-shot search after an epoch), "drawn" (by a one-shot search at its end), or a word of your own strategy. Empty
      if unknown.
    parents: ids of the trials that it was generated from.
    step: step size of an "ascent".
    indirect: whether it was generated from another candidate of the same round, which in turn came from the parents.
    reward: for "rerank", the reward of the parent in the search.
  """

  kind: str
  parents: tuple[int, ...] = ()
  step: float | None = None
  indirect: bool = False
  reward: float | None = None

  def __str__(self) -> str:
    return _IN_WORDS.get(self.kind, "{kind} of {parents}" if self.parents else "{kind}").format(
      kind=self.kind,
      parents=", ".join(f"#{parent}" for parent in self.parents) or "a random architecture",
      step=self.step,
      reward=None if self.reward is None else reward_text(self.reward),
      indirectly=", after others" if self.indirect else "",
    )

  def to_json(self) -> dict[str, Any]:
    """Returns the origin as a dict of JSON values, without fields that have their default value."""
    return {f.name: value for f in dataclasses.fields(self) if (value := getattr(self, f.name)) != f.default}

  @classmethod
  def from_json(cls, data: Any) -> "Origin":
    """Builds an origin from the output of `to_json`.

    Raises:
      ValueError: if `data` is not such a dict; the message says what was expected.
    """
    members = fields.members(data, "an origin", ("kind",), ("parents", "step", "indirect", "reward"))
    return cls(
      fields.text(members["kind"], "kind"),
      fields.integers(members.get("parents", []), "parents"),
      fields.number_or_none(members.get("step"), "step"),
      fields.boolean(members.get("indirect", False), "indirect"),
      fields.number_or_none(members.get("reward"), "reward"),
    )


def reward_text(reward: float) -> str:
  """Returns a reward as text, with four decimals unless it is so large that its digits mean nothing."""
  return f"{reward:.4f}" if abs(reward) < LONGEST else f"{reward:.5g}"


_IN_WORDS = {
  "ascent": "ascent from {parents}, step {step:g}{indirectly}",
  "decoded": "decoded around {parents}{indirectly}",
  "rerank": "{parents} of the search, reward {reward}",
}

RANDOM = Origin("random")
"""The origin of an architecture that was sampled at random."""

DERIVED = "derived"
"""The kind of origin of an architecture that a one-shot search derives after an epoch."""

DRAWN = "drawn"
"""The kind of origin of an architecture that a one-shot search samples at its end."""

UNKNOWN = Origin("")
"""An unknown origin."""


@dataclasses.dataclass(frozen=True)
class Trial:
  """One architecture proposed in a search, together with its evaluations.

  Attributes:
    id: number of the trial, counted from 0 in the order of proposal.
    architecture: the proposed architecture.
    origin: how the architecture was generated.
    evaluation: the evaluation, in a search with rungs the latest one; None if the trial has not been evaluated yet.
    rung: in a search with rungs, the highest rung at which the trial was started.
    earlier: in a search with rungs, its evaluations at lower rungs, lowest rung first.
  """

  id: int
  architecture: Architecture
  origin: Origin = UNKNOWN
  evaluation: Evaluation | None = None
  rung: int = 0
  earlier: tuple[Evaluation, ...] = ()

  def close(self, evaluation: Evaluation) -> "Trial":
    """Returns a copy of this trial with its evaluation at the current rung."""
    if evaluation.rung != self.rung:
      evaluation = dataclasses.replace(evaluation, rung=self.rung)
    before = (self.evaluation,) if self.evaluation is not None and self.evaluation.rung < self.rung else ()
    return dataclasses.replace(self, evaluation=evaluation, earlier=(*self.earlier, *before))

  def promote(self) -> "Trial":
    """Returns a copy of this trial that is started at the next rung, with its evaluations so far."""
    return dataclasses.replace(self, rung=self.rung + 1)

  @property
  def is_open(self) -> bool:
    """Whether the trial was started but its result is still missing."""
    return self.evaluation is None or self.evaluation.rung < self.rung

  @property
  def evaluations(self) -> tuple[Evaluation, ...]:
    """All evaluations of the trial, lowest rung first."""
    return self.earlier if self.evaluation is None else (*self.earlier, self.evaluation)

  @property
  def seconds(self) -> float:
    """Total wall time of all its evaluations, in seconds."""
    return sum(evaluation.cost_seconds for evaluation in self.evaluations)

  @property
  def reward(self) -> float | None:
    """The reward of the latest evaluation; None if there is no evaluation or it failed."""
    return self.evaluation.reward if self.evaluation else None


def first_line(error: BaseException) -> str:
  """Returns the first line of an exception's message, or the name of its type if it has none."""
  return str(error).strip().partition("\n")[0] or type(error).__name__


def best_trial(trials: Iterable[Trial]) -> Trial | None:
  """Returns the trial with the highest reward; None if no trial has a reward.

  Ties go to the earliest trial. In a search with rungs, this is the best trial of the highest rung that has a reward.
  """
  best = top_trials(trials, 1)
  return best[0] if best else None


def winning_trial(trials: Sequence[Trial]) -> Trial | None:
  """Returns the winner of a search; None if no trial has a reward.

  This is the trial with the highest reward, with two exceptions for one-shot searches: if architectures were drawn at
  the end of the search, the best of those wins; and if all were derived from one training, epoch after epoch, the
  latest wins.
  """
  scored = [trial for trial in trials if trial.reward is not None]
  drawn = [trial for trial in scored if trial.origin.kind == DRAWN]
  is_one_training = bool(scored) and all(trial.origin.kind == DERIVED for trial in scored)
  return scored[-1] if is_one_training else best_trial(drawn or scored)


def top_trials(trials: Iterable[Trial], count: int) -> list[Trial]:
  """Returns the `count` trials with the highest rewards, best first; ties go to the earlier trial.

  Trials without a reward are left out. In a search with rungs, trials of higher rungs come first, because rewards after
  short and long trainings are not comparable.
  """
  scored = ((-t.evaluation.rung, -t.reward, t.id, t) for t in trials if t.evaluation and t.reward is not None)
  return [trial for *_, trial in heapq.nsmallest(count, scored, key=lambda row: row[:3])]


_DEEPEST_METRICS = 20
"""Levels of lists and mappings."""

_LARGEST_INTEGER = 2**63


def _number(value: Any, what: str) -> float:
  """Converts a number of any library to a Python float."""
  is_single = hasattr(value, "__float__") and tuple(getattr(value, "shape", ())) == ()
  if isinstance(value, bool) or not is_single:
    raise TypeError(f"{what} must be a number, got {value!r} ({type(value).__name__})")
  return float(value)


def _objectives(given: Any) -> dict[str, float]:
  """Checks the values of objectives and returns them as finite floats by name."""
  if not isinstance(given, Mapping):
    raise TypeError(f"objectives must be a mapping from names to numbers, got {given!r}")
  values = {str(name): _number(value, str(name)) for name, value in given.items()}
  for name, value in values.items():
    if not math.isfinite(value):
      raise ValueError(f"an objective must be finite, got {value} for {name}; report a failure with Evaluation.failed")
  return values


def _json_value(value: Any, place: str, levels: int) -> Any:
  """Converts a value to a JSON value; see `Evaluation.metrics`.

  Args:
    value: a Python, NumPy or TensorFlow value.
    place: where the value is, for error messages.
    levels: how deeply it may be nested.
  """
  if value is None or isinstance(value, bool):
    return value
  if isinstance(value, str):
    return _unicode(value)
  if isinstance(value, int) and abs(value) < _LARGEST_INTEGER:
    return int(value)
  if isinstance(value, (int, float)):
    return _finite_or_none(value)
  if levels == 0:
    raise ValueError(f"{place}: nested more than {_DEEPEST_METRICS} levels deep")
  if isinstance(value, Mapping):
    return {_unicode(str(name)): _json_value(item, f"{place}[{name!r}]", levels - 1) for name, item in value.items()}
  if isinstance(value, (list, tuple)):
    return [_json_value(item, f"{place}[{index}]", levels - 1) for index, item in enumerate(value)]
  return _json_value(_of_library(value, place), place, levels - 1)


def _unicode(text: str) -> str:
  """Returns a text with "?" for what is no character, such as bytes of the name of a file that is not UTF-8."""
  return text.encode("utf-8", "replace").decode("utf-8")


def _finite_or_none(value: float) -> float | None:
  try:
    return float(value) if math.isfinite(value) else None
  except OverflowError:  # An integer that is too large for a float.
    return None


def _of_library(value: Any, place: str) -> Any:
  """Converts an array or a tensor to Python values."""
  if hasattr(value, "tolist"):
    return value.tolist()
  if hasattr(value, "numpy"):
    return value.numpy()
  raise TypeError(f"{place} must be a JSON value, an array or a tensor, got {value!r} ({type(value).__name__})")
