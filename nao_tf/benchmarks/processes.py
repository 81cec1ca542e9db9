"""Runs several jobs at a time, each in its own Python process."""

import multiprocessing
import multiprocessing.connection
import sys
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

Send = Callable[[Any], None]
"""Sends a message to the parent process."""


def run_in_processes(
  work: Callable[[Any, Send], None],
  jobs: Sequence[Any],
  *,
  num_processes: int,
  on_message: Callable[[Any], None] = lambda message: None,
) -> None:
  """Calls `work(job, send)` for each job, in new processes. Returns when all jobs are done.

  If the parent process dies, each process ends at its next message.

  Args:
    work: function at the top level of a module. Its `send` passes a message to `on_message` in this process.
    jobs: values that can be pickled.
    num_processes: number of processes that run at a time, at least 1.
    on_message: called with each message.

  Raises:
    ChildProcessError: if a process fails. The others are ended, too.
    ValueError: if `num_processes` is below 1.
  """
  if num_processes < 1:
    raise ValueError(f"num_processes must be at least 1, got {num_processes}")
  waiting = list(jobs)
  running: dict[Connection, BaseProcess] = {}
  try:
    while waiting or running:
      while waiting and len(running) < num_processes:
        receiver, process = _start(work, waiting.pop(0))
        running[receiver] = process
      _receive(running, on_message)
  finally:
    for process in running.values():
      process.terminate()


def _receive(running: dict[Connection, BaseProcess], on_message: Callable[[Any], None]) -> None:
  """Waits for messages and passes them on. Takes processes that have ended out of `running`."""
  ready = multiprocessing.connection.wait(list(running))
  for receiver in [receiver for receiver in running if receiver in ready]:
    try:
      on_message(receiver.recv())
    except EOFError:
      _finish(running.pop(receiver))


def _start(work: Callable[[Any, Send], None], job: Any) -> tuple[Connection, BaseProcess]:
  context = multiprocessing.get_context("spawn")  # A fork of a process that has threads may hang.
  receiver, sender = context.Pipe(duplex=False)
  process = context.Process(target=_call, args=(work, job, sender), name=str(job), daemon=True)
  process.start()
  sender.close()
  return receiver, process


def _call(work: Callable[[Any, Send], None], job: Any, sender: Connection) -> None:
  try:
    work(job, sender.send)
  except BrokenPipeError:
    sys.exit("the parent process has ended")


def _finish(process: BaseProcess) -> None:
  process.join()
  if process.exitcode:
    raise ChildProcessError(f"{process.name}: its process ended with exit code {process.exitcode}; its output says why")
