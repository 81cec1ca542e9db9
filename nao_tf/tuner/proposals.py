"""What joins an oracle to a strategy: proposals for one trial after the other, repeatable from a small state.

An oracle writes down which trials were started and in which order they ended. Together with how many had ended when
each was started, that is all a strategy was ever asked and told, so repeating it gives the same strategy again. What is
kept here is that number for each trial, and the stages: where hyperparameters first appear in the middle of a search,
or where all of a grid has been asked for and it is refined, a new strategy begins, to which the trials so far are told
in the terms of the new space.
"""

import copy
import dataclasses
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from absl import logging
from keras_tuner import HyperParameters

from nao_tf import fields
from nao_tf.searches.driver import Driver
from nao_tf.spaces.plain_values import plain_hyperparameters
from nao_tf.spaces.value_space import MakeSpace, ValueSpace
from nao_tf.strategies.base import SpaceExhausted, Strategy
from nao_tf.strategies.random_search import RandomSearch
from nao_tf.trial import UNKNOWN, Architecture, Evaluation, Origin, Trial
from nao_tf.tuner.oracle_state import check_hyperparameters

Values = Mapping[str, Any]
MakeStrategy = Callable[[ValueSpace], Strategy]

_EARLIER, _PAST = Origin("earlier"), Origin("past")


@dataclasses.dataclass(frozen=True)
class History:
  """What has happened in a search.

  Attributes:
    started: values of each trial, in the order in which they were started. A trial is known by its place here.
    ended: numbers and evaluations of trials, in the order in which they ended.
    past: values and rewards of trials from before this search, None for a failed one. The list only grows.
    given: values with which the search begins.
    changed: values that trials ran with, by number, where these are not those that they were started with.
  """

  started: Sequence[Values]
  ended: Sequence[tuple[int, Evaluation]]
  past: Sequence[tuple[Values, float | None]] = ()
  given: Sequence[Values] = ()
  changed: Mapping[int, Values] = dataclasses.field(default_factory=dict)


class Proposals:
  """Asks a strategy for one trial at a time."""

  def __init__(self, make_strategy: MakeStrategy, make_space: MakeSpace):
    """Starts with no trial.

    Args:
      make_strategy: makes the strategy for a space.
      make_space: called as `HyperParameterSpace` is, with hyperparameters and `refinements`.
    """
    self._make_strategy, self._make_space = make_strategy, make_space
    self._stages: list[_Stage] = []
    self._told_before: list[int] = []
    self._conversation: _Conversation | None = None

  @property
  def strategy(self) -> Strategy | None:
    """The strategy of the present stage; None before anything is asked."""
    return self._conversation.driver.strategy if self._conversation else None

  @property
  def origins(self) -> list[Origin]:
    """Where the trials started so far came from, as far as the strategy of the present stage knows."""
    return list(self._conversation.origins) if self._conversation else []

  def next(
    self, hyperparameters: HyperParameters, history: History, *, cache: str | None = None
  ) -> dict[str, Any] | None:
    """Returns the values for the trial that is started next; the same ones until it has been.

    Args:
      hyperparameters: all that are known now.
      history: everything until now.
      cache: directory for what the strategy has learned, so that repeating it is quick; None to do without.

    Returns:
      Values of all active hyperparameters; None if no configuration is left.

    Raises:
      ValueError: if given values are not in the space.
    """
    if not self._stages or self._has_grown(hyperparameters, history):
      refinements = self._stages[-1].refinements if self._stages else 1
      self._begin_stage(_space_config(hyperparameters), refinements, history)
    while True:
      directory = os.path.join(cache, f"stage_{len(self._stages)}") if cache else None
      conversation = self._catch_up(history, directory)
      try:
        return self._propose(conversation, history)
      except SpaceExhausted:
        if not conversation.space.refinable:
          return None
        self._begin_stage(self._stages[-1].space, conversation.space.refinements + 1, history)

  def get_state(self) -> dict:
    """Returns JSON values that `set_state` understands."""
    return {"stages": [dataclasses.asdict(stage) for stage in self._stages], "told_before": self._told_before}

  def set_state(self, state: Mapping[str, Any], num_started: int) -> None:
    """Takes up a state.

    Args:
      state: what `get_state` returned.
      num_started: how many trials were started.

    Raises:
      ValueError: if it is not a state of proposals.
    """
    stages = [_Stage.from_json(stage) for stage in state["stages"]]
    told_before = list(state["told_before"][:num_started])
    if sorted(fields.integers(told_before, "told_before", 0)) != told_before:
      raise fields.wrong("ascending integers", "told_before", told_before)
    if num_started and (not stages or len(told_before) < num_started):
      raise ValueError(
        f"proposals: expected stages and {num_started} numbers, got {len(stages)} and {len(told_before)}"
      )
    for stage in stages[-1:]:
      self._check_architectures(stage)
    self._stages, self._told_before, self._conversation = stages, told_before, None

  def _check_architectures(self, stage: "_Stage") -> None:
    """Checks that the architectures of a stage are of its space."""
    space = self._make_space(_hyperparameters(stage.space), refinements=stage.refinements)
    for architecture in (*stage.mapped, *(architecture for architecture, _ in stage.past)):
      if architecture is not None:
        space.validate(architecture)

  def _has_grown(self, hyperparameters: HyperParameters, history: History) -> bool:
    stage = self._stages[-1]
    return len(history.past) > len(stage.past) or _space_config(hyperparameters) != stage.space

  def _begin_stage(self, config: list[dict], refinements: int, history: History) -> None:
    space = self._make_space(_hyperparameters(config), refinements=refinements)
    for number, values in enumerate(history.given[len(history.started) :], start=len(history.started)):
      _complete(space, values, number)
    mapped = _encodings(space, history.started, "trials of this search")
    past = _encodings(space, [values for values, _ in history.past], "past trials")
    rewards = [reward for _, reward in history.past]
    self._stages.append(_Stage(config, refinements, mapped, list(zip(past, rewards))))
    self._conversation = None

  def _catch_up(self, history: History, directory: str | None) -> "_Conversation":
    """Returns the conversation, brought to where the history is."""
    stage = self._stages[-1]
    if self._conversation is None:
      self._conversation = self._begin_conversation(stage, directory)
      if len(history.started) > len(stage.mapped):  # Otherwise what is in the cache is not of this search.
        self._conversation.driver.restore()
      self._conversation.tell_past()
      self._conversation.tell(history, self._num_ended_before(len(stage.mapped)))
    while len(self._conversation.architectures) < len(history.started):
      number = len(self._conversation.architectures)
      self._conversation.tell(history, self._told_before[number])
      self._conversation.start(history.started[number], history.given)
    return self._conversation

  def _begin_conversation(self, stage: "_Stage", directory: str | None) -> "_Conversation":
    space = self._make_space(_hyperparameters(stage.space), refinements=stage.refinements)
    strategy = self._make_strategy(space) if space.decisions else RandomSearch(space)
    return _Conversation(stage, space, strategy, directory)

  def _num_ended_before(self, number: int) -> int | None:
    return self._told_before[number] if number < len(self._told_before) else None

  def _propose(self, conversation: "_Conversation", history: History) -> dict[str, Any]:
    if conversation.pending is not None:
      return dict(conversation.pending.values)
    conversation.tell(history, None)
    proposal = conversation.ask(history.given)
    self._told_before[len(history.started) :] = [len(history.ended)]
    conversation.driver.save()
    return dict(proposal.values)


@dataclasses.dataclass(frozen=True)
class _Proposal:
  """What is proposed for the next trial.

  Attributes:
    values: values of all active hyperparameters.
    trial: open, with the architecture that stands for the values.
  """

  values: Values
  trial: Trial


@dataclasses.dataclass(frozen=True)
class _Stage:
  """A part of a search in which the space stays the same.

  Attributes:
    space: configuration of the hyperparameters.
    refinements: refinements of the space's grids.
    mapped: architectures of the trials started before this stage; None for one that is not in this space.
    past: architectures and rewards of the trials from before the search, likewise.
  """

  space: list[dict]
  refinements: int
  mapped: Sequence[Architecture | None]
  past: Sequence[tuple[Architecture | None, float | None]]

  @classmethod
  def from_json(cls, data: Mapping[str, Any]) -> "_Stage":
    """Builds a stage from JSON values. Raises a ValueError if something in them is not that of a stage."""
    check_hyperparameters({"space": data["space"], "values": {}})
    mapped = [_architecture(choices) for choices in fields.elements(data["mapped"], "mapped")]
    pairs = [fields.elements(pair, "past", 2) for pair in fields.elements(data["past"], "past")]
    past = [(_architecture(choices), fields.number_or_none(reward, "past")) for choices, reward in pairs]
    fields.integer(data["refinements"], "refinements", 0)
    return cls(data["space"], data["refinements"], mapped, past)


class _Conversation:
  """A strategy, and what it has been asked and told in a stage.

  Attributes:
    space: the search space.
    driver: drives the strategy.
    architectures: architectures of the trials started so far; None for one that is not in the space.
    origins: where they came from.
    pending: what is proposed for the next trial.
  """

  def __init__(self, stage: _Stage, space: ValueSpace, strategy: Strategy, cache: str | None):
    known = [architecture for architecture in stage.mapped if architecture is not None]
    self.space = space
    self.driver = Driver(strategy, cache=cache, num_earlier=len(stage.past) + len(stage.mapped) - len(known))
    self.driver.count_as_asked([(architecture, _EARLIER) for architecture in known])
    self.architectures = list(stage.mapped)
    self.origins = [_EARLIER] * len(stage.mapped)
    self.pending: _Proposal | None = None
    self._past, self._num_told = stage.past, 0

  def tell_past(self) -> None:
    """Tells the trials from before the search."""
    for number, (architecture, reward) in enumerate(self._past):
      self._tell(number, architecture, _PAST, Evaluation.failed("failed") if reward is None else Evaluation(reward))

  def tell(self, history: History, count: int | None) -> None:
    """Tells what had ended when `count` trials had; None for all."""
    for number, evaluation in history.ended[self._num_told : count]:
      architecture, origin = self.architectures[number], self.origins[number]
      if number in history.changed:
        architecture, origin = self._encode(number, history.changed[number]), UNKNOWN
      self._tell(len(self._past) + number, architecture, origin, evaluation)
      self._num_told += 1

  def ask(self, given: Sequence[Values]) -> _Proposal:
    """Returns the proposal for the next trial, a new one if there is none yet."""
    if self.pending is None:
      number = len(self.architectures)
      self.pending = self._given(given[number], number) if number < len(given) else self._new()
    return self.pending

  def start(self, values: Values, given: Sequence[Values]) -> None:
    """Notes that a trial was started. If it is another one than was proposed, what was started prevails."""
    proposal = self._again(given)
    self.pending = None
    if proposal is not None and self._is_proposed(values, proposal):
      self.architectures.append(proposal.trial.architecture)
      self.origins.append(proposal.trial.origin)
      return
    architecture = self._encode(len(self.architectures), values)
    self.architectures.append(architecture)
    self.origins.append(UNKNOWN)
    asked = [] if proposal is None else [proposal.trial]
    if architecture is not None:
      self.driver.replace(asked, [Trial(self.driver.num_trials - len(asked), architecture)])

  def _is_proposed(self, values: Values, proposal: _Proposal) -> bool:
    """Returns whether values are those of a proposal, or roundings of them."""
    if all(values.get(name) == value for name, value in proposal.values.items()):
      return True
    try:
      return self.space.encode(values) == self.space.canonical(proposal.trial.architecture)
    except ValueError:
      return False

  def _encode(self, number: int, values: Values) -> Architecture | None:
    """Returns the architecture of what a trial ran with; None, with a warning, if it is not in the space."""
    try:
      return self.space.encode(values)
    except ValueError as error:
      logging.warning("Trial %d ran with values outside of the space and is ignored: %s", number, error)
      return None

  def _again(self, given: Sequence[Values]) -> _Proposal | None:
    """Returns what is proposed for a trial that was started before; None if nothing is."""
    try:
      return self.ask(given)
    except SpaceExhausted:
      return None

  def _tell(self, number: int, architecture: Architecture | None, origin: Origin, evaluation: Evaluation) -> None:
    if architecture is not None:
      self.driver.tell([Trial(number, architecture, origin, evaluation)])

  def _new(self) -> _Proposal:
    if not self.space.decisions:
      return self._only()
    (trial,) = self.driver.ask(1)
    return _Proposal(self.space.decode(trial.architecture), trial)

  def _only(self) -> _Proposal:
    """Returns the only configuration where nothing is to be decided."""
    if not self.driver.strategy.is_new(()):
      raise SpaceExhausted("the only configuration has already been proposed")
    (trial,) = self.driver.count_as_asked([((), Origin("only"))])
    return _Proposal(self.space.decode(()), trial)

  def _given(self, values: Values, number: int) -> _Proposal:
    complete = _complete(self.space, values, number)
    (trial,) = self.driver.count_as_asked([(self.space.encode(complete), Origin("given"))])
    ignored = sorted(set(values) - set(complete))
    if ignored:
      logging.warning("initial_values[%d]: ignored %s, which no active hyperparameter has as a name", number, ignored)
    return _Proposal(complete, trial)


def _complete(space: ValueSpace, values: Values, number: int) -> dict[str, Any]:
  """Returns all values of a configuration that a user has given, who is told which one is wrong."""
  try:
    return space.complete(values)
  except ValueError as error:
    raise ValueError(f"initial_values[{number}]: {error}") from error


def _encodings(space: ValueSpace, configurations: Iterable[Values], what: str) -> list[Architecture | None]:
  """Returns the architectures of configurations; None for those that are not in the space, with one warning for all."""
  encodings: list[Architecture | None] = []
  errors: list[ValueError] = []
  for values in configurations:
    try:
      encodings.append(space.encode(values))
    except ValueError as error:
      encodings.append(None)
      errors.append(error)
  if errors:
    logging.warning(
      "%d of %d %s are outside of the space and are ignored. The first: %s",
      len(errors),
      len(encodings),
      what,
      errors[0],
    )
  return encodings


def _architecture(choices: Any) -> Architecture | None:
  return None if choices is None else fields.integers(choices, "choices of an architecture", 0)


def _space_config(hyperparameters: HyperParameters) -> list[dict]:
  return json.loads(json.dumps(plain_hyperparameters(hyperparameters).get_config()["space"]))


def _hyperparameters(config: list[dict]) -> HyperParameters:
  return HyperParameters.from_config({"space": copy.deepcopy(config), "values": {}})  # It changes what it is given.
