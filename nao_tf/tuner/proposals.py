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
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from absl import logging
from keras_tuner import HyperParameters

from nao_tf.search.driver import Driver
from nao_tf.spaces.value_space import MakeSpace, ValueSpace
from nao_tf.strategies.base import SpaceExhausted, Strategy
from nao_tf.strategies.random_search import RandomSearch
from nao_tf.trial import UNKNOWN, Architecture, Evaluation, Origin, Trial

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
  """

  started: Sequence[Values]
  ended: Sequence[tuple[int, Evaluation]]
  past: Sequence[tuple[Values, float | None]] = ()
  given: Sequence[Values] = ()


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
    """
    self._stages = [_Stage.from_json(stage) for stage in state["stages"]]
    self._told_before = list(state["told_before"][:num_started])
    self._conversation = None

  def _has_grown(self, hyperparameters: HyperParameters, history: History) -> bool:
    stage = self._stages[-1]
    return len(history.past) > len(stage.past) or _space_config(hyperparameters) != stage.space

  def _begin_stage(self, config: list[dict], refinements: int, history: History) -> None:
    space = self._make_space(_hyperparameters(config), refinements=refinements)
    mapped = [_encode(space, values) for values in history.started]
    past = [(_encode(space, values), reward) for values, reward in history.past]
    self._stages.append(_Stage(config, refinements, mapped, past))
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
    values: of all active hyperparameters.
    trial: open, with the architecture that stands for the values.
  """

  values: Values
  trial: Trial


@dataclasses.dataclass(frozen=True)
class _Stage:
  """A part of a search in which the space stays the same.

  Attributes:
    space: configuration of the hyperparameters.
    refinements: of the space's grids.
    mapped: architectures of the trials started before this stage; None for one that is not in this space.
    past: architectures and rewards of the trials from before the search, likewise.
  """

  space: list[dict]
  refinements: int
  mapped: Sequence[Architecture | None]
  past: Sequence[tuple[Architecture | None, float | None]]

  @classmethod
  def from_json(cls, data: Mapping[str, Any]) -> "_Stage":
    mapped = [_architecture(choices) for choices in data["mapped"]]
    past = [(_architecture(choices), reward) for choices, reward in data["past"]]
    return cls(data["space"], data["refinements"], mapped, past)


class _Conversation:
  """A strategy, and what it has been asked and told in a stage.

  Attributes:
    space: what is searched.
    driver: drives the strategy.
    architectures: of the trials started so far; None for one that is not in the space.
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
      self._tell(len(self._past) + number, self.architectures[number], self.origins[number], evaluation)
      self._num_told += 1

  def ask(self, given: Sequence[Values]) -> _Proposal:
    """Returns the proposal for the next trial, a new one if there is none yet."""
    if self.pending is None:
      number = len(self.architectures)
      self.pending = self._given(given[number]) if number < len(given) else self._new()
    return self.pending

  def start(self, values: Values, given: Sequence[Values]) -> None:
    """Notes that a trial was started. If it is another one than was proposed, what was started prevails."""
    proposal = self._again(given)
    self.pending = None
    if proposal is not None and all(values.get(name) == value for name, value in proposal.values.items()):
      self.architectures.append(proposal.trial.architecture)
      self.origins.append(proposal.trial.origin)
      return
    architecture = _encode(self.space, values)
    self.architectures.append(architecture)
    self.origins.append(UNKNOWN)
    asked = [] if proposal is None else [proposal.trial]
    if architecture is None:
      logging.warning(
        "Trial %d was %s, which is not in the space: it is not learned from.", len(self.architectures) - 1, dict(values)
      )
    else:
      self.driver.replace(asked, [Trial(self.driver.num_trials - len(asked), architecture)])

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
      raise SpaceExhausted("the only configuration has been asked for")
    (trial,) = self.driver.count_as_asked([((), Origin("only"))])
    return _Proposal(self.space.decode(()), trial)

  def _given(self, values: Values) -> _Proposal:
    architecture = self.space.encode(values)
    (trial,) = self.driver.count_as_asked([(architecture, Origin("given"))])
    nearest = self.space.decode(architecture)
    return _Proposal({name: values.get(name, value) for name, value in nearest.items()}, trial)


def _encode(space: ValueSpace, values: Values) -> Architecture | None:
  try:
    return space.encode(values)
  except ValueError:  # The space is not the one that these values are of.
    return None


def _architecture(choices: Sequence[int] | None) -> Architecture | None:
  return None if choices is None else tuple(choices)


def _space_config(hyperparameters: HyperParameters) -> list[dict]:
  return json.loads(json.dumps(hyperparameters.get_config()["space"]))


def _hyperparameters(config: list[dict]) -> HyperParameters:
  return HyperParameters.from_config({"space": copy.deepcopy(config), "values": {}})  # It changes what it is given.
