"""The curves of a search: what is known of it each time that a trial closes."""

from collections.abc import Callable, Mapping, Sequence

from nao_tf.reports.ranking import kendall_tau
from nao_tf.runs.journal import Entry
from nao_tf.runs.predictions import Prediction
from nao_tf.trial import Architecture, Trial, best_trial


class SearchFigures:
  """Follows a search trial by trial, in the order in which they close.

  The figures of a round, a batch that was asked for, come with its last trial. Those of the strategy come when they have
  changed.
  """

  def __init__(
    self,
    entries: Sequence[Entry],
    *,
    prediction: Callable[[Architecture], Prediction | None],
    strategy_figures: Callable[[], Mapping[str, float]],
  ):
    """Takes what is followed.

    Args:
      entries: entries of the journal; it grows.
      prediction: returns what the strategy has predicted for an architecture.
      strategy_figures: returns what the strategy reports about itself.
    """
    self._entries, self._prediction, self._strategy_figures = entries, prediction, strategy_figures
    self._num_read = self._failures = 0
    self._best: Trial | None = None
    self._round_of: dict[int, int] = {}
    self._num_open: dict[int, int] = {}
    self._rewards: dict[int, list[float]] = {}
    self._ranked: dict[int, tuple[list[float], list[float]]] = {}
    self._last_figures: Mapping[str, float] = {}

  def add(self, trial: Trial) -> dict[str, float]:
    """Returns the figures that are new with a trial that has closed, by the tags of their curves."""
    self._read()
    figures = {"search/seconds": trial.evaluation.cost_seconds if trial.evaluation else 0.0}
    if trial.reward is None:
      self._failures += 1
    else:
      self._best = best_trial([trial, *([self._best] if self._best else [])])
      figures["search/reward"] = trial.reward
    figures["search/failures"] = float(self._failures)
    if self._best is not None and self._best.reward is not None:
      figures["search/best"] = self._best.reward
    return {**figures, **self._of_round(trial), **self._of_strategy()}

  def _read(self) -> None:
    """Reads the batches that were asked for since the last time."""
    for number in range(self._num_read, len(self._entries)):
      entry = self._entries[number]
      if isinstance(entry, list):
        self._round_of.update((trial.id, number) for trial in entry)
        self._num_open[number] = len(entry)
    self._num_read = len(self._entries)

  def _of_round(self, trial: Trial) -> dict[str, float]:
    number = self._round_of.pop(trial.id, None)
    if number is None:
      return {}
    predictor = self._rank(trial)
    rewards = self._rewards.setdefault(number, [])
    if trial.reward is not None:
      rewards.append(trial.reward)
    self._num_open[number] -= 1
    if self._num_open[number]:
      return {}
    del self._num_open[number], self._rewards[number]
    means = {"round/mean": sum(rewards) / len(rewards), "round/best": max(rewards)} if rewards else {}
    tau = None if predictor is None else kendall_tau(*self._ranked[predictor])
    return means if tau is None else {**means, "strategy/tau": tau}

  def _rank(self, trial: Trial) -> int | None:
    """Notes what was predicted and measured for a trial; returns the number of its predictor."""
    prediction = self._prediction(trial.architecture)
    if prediction is None:
      return None
    predicted, measured = self._ranked.setdefault(prediction.asked_before, ([], []))
    if trial.reward is not None:
      predicted.append(prediction.score)
      measured.append(trial.reward)
    return prediction.asked_before

  def _of_strategy(self) -> dict[str, float]:
    figures = self._strategy_figures()
    if figures == self._last_figures:
      return {}
    self._last_figures = dict(figures)
    return {f"strategy/{name}": float(number) for name, number in figures.items()}
