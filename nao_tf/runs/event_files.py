"""A run of TensorBoard: a directory with files of events, written with TensorBoard's own library, without TensorFlow.

A directory may be written by one process after the other. Each has a file of its own and goes on after the last step
that is recorded, so that no step is there twice. What a process that was killed has left torn is not counted.
"""

import os
import re
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

_NAME = re.compile(r"events\.out\.tfevents\.(\d+)\..*")
_VERSION = "brain.Event:2"
_FLUSH_SECONDS = 1.0


class EventFiles:
  """The files of one run, open for writing. It is also a context manager, which closes them.

  The directory and its new file are made with the first event.

  Attributes:
    directory: directory of the run.
    last_steps: the last step of each tag that was recorded when this was opened.
  """

  def __init__(self, directory: str, *, anew: bool = False, clock: Callable[[], float] = time.monotonic):
    """Reads what is recorded.

    Args:
      directory: directory of the run; need not exist.
      anew: whether to remove the files that are there, because what they show begins again.
      clock: returns seconds.

    Raises:
      OSError: if a file cannot be read or removed.
    """
    self.directory, self._clock = directory, clock
    if anew:
      _remove(directory)
    self.last_steps: dict[str, int] = {} if anew else _last_steps(directory)
    self._writer: Any = None
    self._flushed_at = -_FLUSH_SECONDS

  @property
  def last_step(self) -> int | None:
    """The last step that was recorded; None if there was none."""
    return max(self.last_steps.values(), default=None)

  def add(
    self, step: int, scalars: Mapping[str, float], others: Sequence[Any] = (), *, wall_time: float | None = None
  ) -> None:
    """Adds what belongs to a step. All of it is recorded after a kill, or nothing.

    Args:
      step: not below an earlier one.
      scalars: numbers by tag.
      others: further values, `tensorboard.compat.proto.summary_pb2.Summary.Value`.
      wall_time: when it happened, seconds since 1970; None for now.

    Raises:
      OSError: if it cannot be written.
    """
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary

    values = [*(Summary.Value(tag=tag, simple_value=number) for tag, number in scalars.items()), *others]
    self._write(Event(wall_time=_time(wall_time), step=step, summary=Summary(value=values)))

  def rewind(self, step: int) -> None:
    """Takes back what is recorded from a step on: TensorBoard drops it."""
    from tensorboard.compat.proto.event_pb2 import Event, SessionLog

    self._write(Event(wall_time=time.time(), step=step, session_log=SessionLog(status=SessionLog.START)))
    self.last_steps = {tag: min(last, step - 1) for tag, last in self.last_steps.items()}

  def flush(self) -> None:
    """Lets a running TensorBoard see all that was added."""
    if self._writer is not None:
      self._writer.flush()
      self._flushed_at = self._clock()

  def flush_now_and_then(self) -> None:
    """Does so at most once a second, so that many quick steps are not slowed down."""
    if self._clock() - self._flushed_at >= _FLUSH_SECONDS:
      self.flush()

  def close(self) -> None:
    """Closes the file. May be called more than once."""
    if self._writer is not None:
      self._writer.close()
      self._writer = None

  def __enter__(self) -> "EventFiles":
    return self

  def __exit__(self, *_: object) -> None:
    self.close()

  def _write(self, event: Any) -> None:
    if self._writer is None:
      self._writer = _new_writer(self.directory)
    self._writer.write(event.SerializeToString())


def has_events(directory: str) -> bool:
  """Returns whether a directory holds a file of events."""
  return bool(_paths(directory))


def _new_writer(directory: str) -> Any:
  """Returns a writer of records into a new file, which comes after those that are there."""
  from tensorboard.compat.proto.event_pb2 import Event, SourceMetadata
  from tensorboard.summary.writer.record_writer import RecordWriter

  os.makedirs(directory, exist_ok=True)
  stamps = [_stamp(path) for path in _paths(directory)]
  stamp = max([int(time.time()), *(stamp + 1 for stamp in stamps)])
  name = f"events.out.tfevents.{stamp:010d}.{socket.gethostname()}.{os.getpid()}.0"
  writer = RecordWriter(open(os.path.join(directory, name), "xb"))
  source = SourceMetadata(writer=__name__)
  writer.write(Event(wall_time=time.time(), file_version=_VERSION, source_metadata=source).SerializeToString())
  return writer


def _paths(directory: str) -> list[str]:
  """Returns the files of events in a directory, in the order in which TensorBoard reads them."""
  names = os.listdir(directory) if os.path.isdir(directory) else []
  return [os.path.join(directory, name) for name in sorted(names) if _NAME.fullmatch(name)]


def _stamp(path: str) -> int:
  """Returns the time in the name of a file of events."""
  match = _NAME.fullmatch(os.path.basename(path))
  return int(match[1]) if match else 0


def _remove(directory: str) -> None:
  for path in _paths(directory):
    os.remove(path)


def _last_steps(directory: str) -> dict[str, int]:
  """Returns the last step of each tag. What a `rewind` took back does not count."""
  from tensorboard.compat.proto.event_pb2 import SessionLog

  steps: dict[str, int] = {}
  for path in _paths(directory):
    for event in _events(path):
      if event.session_log.status == SessionLog.START:
        steps = {tag: min(step, event.step - 1) for tag, step in steps.items()}
      steps.update((value.tag, event.step) for value in event.summary.value)
  return {tag: step for tag, step in steps.items() if step >= 0}


def _events(path: str) -> Iterator[Any]:
  """Yields the whole events of a file, up to the first that is torn or damaged."""
  from tensorboard.compat.proto.event_pb2 import Event
  from tensorboard.compat.tensorflow_stub import errors
  from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import PyRecordReader_New

  reader = PyRecordReader_New(path)
  try:
    while True:
      reader.GetNext()
      yield Event.FromString(reader.record())
  except (errors.OutOfRangeError, errors.DataLossError):
    return
  finally:
    reader.file_handle.close()


def _time(given: float | None) -> float:
  return time.time() if given is None else given
