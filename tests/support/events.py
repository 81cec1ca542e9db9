"""What TensorBoard reads from files of events."""

import collections

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
