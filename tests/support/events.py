"""What TensorBoard reads from files of events."""

import collections
import math

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer


def accumulator(directory):
  """Returns TensorBoard's reader of a run, with all that the run holds."""
  sizes = collections.defaultdict(int)
  reader = EventAccumulator(str(directory), size_guidance=sizes)
  return reader.Reload()


def scalars(directory):
  """Returns the steps and numbers of each tag of a run, as TensorBoard shows them."""
  reader = accumulator(directory)
  return {tag: [(event.step, event.value) for event in reader.Scalars(tag)] for tag in reader.Tags()["scalars"]}


def multiplexer(logdir):
  """Returns TensorBoard's reader of all runs below a directory."""
  return EventMultiplexer().AddRunsFromDirectory(str(logdir)).Reload()


def assert_curves_are_those_of_the_journal(directory, trials):
  """Asserts that TensorBoard has each epoch of a one-shot search once, with the numbers of its trial, and all are finite."""
  curves, search = scalars(directory / "one_shot" / "tensorboard"), scalars(directory / "tensorboard")
  assert {tuple(step for step, _ in curve) for curve in curves.values()} == {tuple(range(1, len(trials) + 1))}
  assert all(math.isfinite(value) for curve in (*curves.values(), *search.values()) for _, value in curve)
  for number, trial in enumerate(trials, start=1):
    for name, value in trial.evaluation.metrics.items():
      if name != "epoch":
        curve = curves[name if name in curves else f"valid_{name}"]
        assert curve[number - 1] == (number, pytest.approx(value, rel=1e-6))
    assert search["search/reward"][number - 1] == (number, pytest.approx(trial.reward, rel=1e-6))
