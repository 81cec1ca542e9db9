"""The values that flow through a search: architectures, their evaluations, where they came from, and trials.

None of them knows a framework. An `Architecture` is a tuple of choices. Only a search space knows what they mean.
"""

import dataclasses
import heapq
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nao_tf import fields

Architecture = tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Evaluation:
  """What an evaluator found out about one architecture.

  Attributes:
    reward: the number that a search maximizes, finite; None if the evaluation failed.
    cost_seconds: wall time that the evaluation took.
    metrics: further results by name, JSON values; a failed evaluation has its `reason` here. Numbers and arrays of NumPy
      and TensorFlow become numbers and lists. A number that is not finite becomes None.
    rung: of a search in rungs: the rung that this is the result of, 0 for the lowest one.
    objectives: in a search for several objectives their values by name, finite. A search fills them in.
  """

  reward: float | None
  cost_seconds: float = 0.0
  metrics: Mapping[str, Any] = dataclasses.field(default_factory=dict)
  rung: int = 0
  objectives: Mapping[str, float] = dataclasses.field(default_factory=dict)

  def __post_init__(self) -> None:
    """Turns numbers of NumPy and TensorFlow into those of Python, so that every evaluation can be recorded.

    Raises:
      TypeError: if something is not of its kind; the message names it.
      ValueError: if the reward, the cost or an objective is not finite, or metrics are nested too deep.
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
    """Returns the evaluation of an architecture that has no reward, with the reason why."""
    return cls(None, cost_seconds, {"reason": reason, **metrics})

  @classmethod
  def raised(cls, error: BaseException, cost_seconds: float = 0.0) -> "Evaluation":
    """Returns the evaluation of an architecture whose evaluation raised an exception. Its first line is the reason."""
    return cls.failed(f"{type(error).__name__}: {first_line(error)}", cost_seconds)

  @property
  def ok(self) -> bool:
    """Whether there is a reward."""
    return self.reward is not None

  def to_json(self) -> dict[str, Any]:
    """Returns a dict that `from_json` turns back into an equal evaluation."""
    values = {"reward": self.reward, "cost_seconds": self.cost_seconds, "metrics": dict(self.metrics)}
    rung = {"rung": self.rung} if self.rung else {}
    return {**values, **rung, **({"objectives": dict(self.objectives)} if self.objectives else {})}

  @classmethod
  def from_json(cls, data: Any) -> "Evaluation":
    """Builds an evaluation from what `to_json` returned.

    Raises:
      ValueError: if `data` is something else; the message says what was expected.
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
  """Where an architecture came from.

  `str(origin)` says it in words, such as "mutation of #3" or "ascent from #12, step 10".

  Attributes:
    kind: how it was made: "random", "mutation", "ascent" (moved along the predictor's gradient), "decoded" (sampled from
      the decoder without a move), "neighbor", "rerank", "given", "derived" (by a one-shot search, after an
      epoch), "drawn" (by a one-shot search, at its end), or a word of a strategy of your own. Empty: unknown.
    parents: ids of the trials that it was made from.
    step: length of the move of an "ascent".
    indirect: whether it was made from another candidate of the same round, which was made from the parents.
    reward: of a "rerank": the parent's reward in the search.
  """

  kind: str
  parents: tuple[int, ...] = ()
  step: float | None = None
  indirect: bool = False
  reward: float | None = None

  def __str__(self) -> str:
    return _IN_WORDS.get(self.kind, "{kind} of {parents}" if self.parents else "{kind}").format(
      kind=self.kind,
      parents=", ".join(f"#{parent}" for parent in self.parents),
      step=self.step,
      reward=self.reward,
      indirectly=", after others" if self.indirect else "",
    )

  def to_json(self) -> dict[str, Any]:
    """Returns a dict that `from_json` turns back into an equal origin. Fields with their defaults are left out."""
    return {f.name: value for f in dataclasses.fields(self) if (value := getattr(self, f.name)) != f.default}

  @classmethod
  def from_json(cls, data: Any) -> "Origin":
    """Builds an origin from what `to_json` returned.

    Raises:
      ValueError: if `data` is something else; the message says what was expected.
    """
    members = fields.members(data, "an origin", ("kind",), ("parents", "step", "indirect", "reward"))
    return cls(
      fields.text(members["kind"], "kind"),
      fields.integers(members.get("parents", []), "parents"),
      fields.number_or_none(members.get("step"), "step"),
      fields.boolean(members.get("indirect", False), "indirect"),
      fields.number_or_none(members.get("reward"), "reward"),
    )


_IN_WORDS = {
  "ascent": "ascent from {parents}, step {step:g}{indirectly}",
  "decoded": "decoded around {parents}{indirectly}",
  "rerank": "{parents} of the search, reward {reward:.4f}",
}

RANDOM = Origin("random")
"""The origin of an architecture that was drawn at random."""

DERIVED = "derived"
"""Kind of the origin of the architecture that a one-shot search would end with after an epoch."""

DRAWN = "drawn"
"""Kind of the origin of an architecture that a one-shot search has drawn at its end."""

UNKNOWN = Origin("")
"""The origin of an architecture about which nothing is known."""


@dataclasses.dataclass(frozen=True)
class Trial:
  """One architecture that a search asked for.

  Attributes:
    id: number of architectures asked for before this one.
    architecture: the choices.
    origin: where the architecture came from.
    evaluation: the result, of a search in rungs the latest one; None as long as there is none.
    rung: of a search in rungs: the highest rung that it was begun at.
    earlier: its evaluations at lower rungs, the lowest first.
  """

  id: int
  architecture: Architecture
  origin: Origin = UNKNOWN
  evaluation: Evaluation | None = None
  rung: int = 0
  earlier: tuple[Evaluation, ...] = ()

  def close(self, evaluation: Evaluation) -> "Trial":
    """Returns this trial with its evaluation, at the rung that it was begun at."""
    if evaluation.rung != self.rung:
      evaluation = dataclasses.replace(evaluation, rung=self.rung)
    before = (self.evaluation,) if self.evaluation is not None and self.evaluation.rung < self.rung else ()
    return dataclasses.replace(self, evaluation=evaluation, earlier=(*self.earlier, *before))

  def promote(self) -> "Trial":
    """Returns this trial as it begins at the next rung, with the evaluations that it has."""
    return dataclasses.replace(self, rung=self.rung + 1)

  @property
  def is_open(self) -> bool:
    """Whether it was begun and the result is not there yet."""
    return self.evaluation is None or self.evaluation.rung < self.rung

  @property
  def evaluations(self) -> tuple[Evaluation, ...]:
    """All its evaluations, the one at the lowest rung first."""
    return self.earlier if self.evaluation is None else (*self.earlier, self.evaluation)

  @property
  def seconds(self) -> float:
    """Wall time that all its evaluations took."""
    return sum(evaluation.cost_seconds for evaluation in self.evaluations)

  @property
  def reward(self) -> float | None:
    """The evaluation's reward; None if there is none or it failed."""
    return self.evaluation.reward if self.evaluation else None


def first_line(error: BaseException) -> str:
  """Returns the first line of an exception's message, or the name of its type if it has none."""
  return str(error).strip().partition("\n")[0] or type(error).__name__


def best_trial(trials: Iterable[Trial]) -> Trial | None:
  """Returns the trial with the highest reward, the earliest of equals; None if no trial has one.

  In a search in rungs it is the best of the highest rung that has a reward.
  """
  best = top_trials(trials, 1)
  return best[0] if best else None


def winning_trial(trials: Sequence[Trial]) -> Trial | None:
  """Returns the trial that wins a search; None if none has a reward.

  It is the best one. Only of architectures that one training has led to, epoch after epoch, is it the latest, unless some
  were drawn at the end: then it is the best of these.
  """
  scored = [trial for trial in trials if trial.reward is not None]
  drawn = [trial for trial in scored if trial.origin.kind == DRAWN]
  is_one_training = bool(scored) and all(trial.origin.kind == DERIVED for trial in scored)
  return scored[-1] if is_one_training else best_trial(drawn or scored)


def top_trials(trials: Iterable[Trial], count: int) -> list[Trial]:
  """Returns the `count` trials of highest reward, best first, the earlier of equals first.

  Trials without a reward are left out. In a search in rungs those of a higher rung come first: rewards after short
  trainings cannot be compared with those after long ones.
  """
  scored = ((-t.evaluation.rung, -t.reward, t.id, t) for t in trials if t.evaluation and t.reward is not None)
  return [trial for *_, trial in heapq.nsmallest(count, scored, key=lambda row: row[:3])]


_DEEPEST_METRICS = 20
"""Levels of lists and mappings."""

_LARGEST_INTEGER = 2**63


def _number(value: Any, what: str) -> float:
  """Returns a number of any library as a float of Python."""
  is_single = hasattr(value, "__float__") and tuple(getattr(value, "shape", ())) == ()
  if isinstance(value, bool) or not is_single:
    raise TypeError(f"{what} must be a number, got {value!r} ({type(value).__name__})")
  return float(value)


def _objectives(given: Any) -> dict[str, float]:
  """Returns the values of objectives, finite numbers by name."""
  if not isinstance(given, Mapping):
    raise TypeError(f"objectives must be a mapping from names to numbers, got {given!r}")
  values = {str(name): _number(value, str(name)) for name, value in given.items()}
  for name, value in values.items():
    if not math.isfinite(value):
      raise ValueError(f"an objective must be finite, got {value} for {name}; report a failure with Evaluation.failed")
  return values


def _json_value(value: Any, place: str, levels: int) -> Any:
  """Returns a value as JSON has it; see `Evaluation.metrics`.

  Args:
    value: of Python, NumPy or TensorFlow.
    place: where it is, for error messages.
    levels: how deep it may be nested.
  """
  if value is None or isinstance(value, (str, bool)):
    return value
  if isinstance(value, int) and abs(value) < _LARGEST_INTEGER:
    return int(value)
  if isinstance(value, (int, float)):
    return _finite_or_none(value)
  if levels == 0:
    raise ValueError(f"{place}: nested more than {_DEEPEST_METRICS} levels deep")
  if isinstance(value, Mapping):
    return {str(name): _json_value(item, f"{place}[{name!r}]", levels - 1) for name, item in value.items()}
  if isinstance(value, (list, tuple)):
    return [_json_value(item, f"{place}[{index}]", levels - 1) for index, item in enumerate(value)]
  return _json_value(_of_library(value, place), place, levels - 1)


def _finite_or_none(value: float) -> float | None:
  try:
    return float(value) if math.isfinite(value) else None
  except OverflowError:  # An integer that is too large for a float.
    return None


def _of_library(value: Any, place: str) -> Any:
  """Returns what an array or a tensor holds, as values of Python."""
  if hasattr(value, "tolist"):
    return value.tolist()
  if hasattr(value, "numpy"):
    return value.numpy()
  raise TypeError(f"{place} must be a JSON value, an array or a tensor, got {value!r} ({type(value).__name__})")
