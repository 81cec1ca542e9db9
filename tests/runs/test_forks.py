"""A process that is forked and outlives the one that has a lock does not keep it."""

import contextlib
import os
import signal

import pytest

from nao_tf.runs.journal import Journal
from nao_tf.runs.lines import LinesFile
from nao_tf.runs.run_lock import RunDirectoryInUse, RunLock


@contextlib.contextmanager
def forked():
  """A process that holds whatever it got from this one."""
  process = os.fork()
  if process == 0:
    signal.pause()
    os._exit(0)
  try:
    yield
  finally:
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)


@pytest.mark.parametrize(
  "take",
  [
    lambda directory: RunLock(str(directory)),
    lambda directory: LinesFile(str(directory / "lines"), locked=True),
    lambda directory: Journal(str(directory), {}),
  ],
  ids=["lock", "lines", "journal"],
)
def test_a_lock_ends_with_the_process_that_took_it(tmp_path, take):
  reader, writer = os.pipe()
  holder = os.fork()
  if holder == 0:
    held = take(tmp_path)
    left = os.fork()
    if left == 0:
      signal.pause()
    os.write(writer, str(left).encode())
    os._exit(held is None)
  assert os.waitstatus_to_exitcode(os.waitpid(holder, 0)[1]) == 0
  left = int(os.read(reader, 20))
  try:
    take(tmp_path).close()
  finally:
    os.kill(left, signal.SIGKILL)  # It lived until now.


def test_the_process_that_took_a_lock_keeps_it_after_a_fork(tmp_path):
  with RunLock(str(tmp_path)), forked(), pytest.raises(RunDirectoryInUse, match="is in use by process"):
    RunLock(str(tmp_path))
