import os
import subprocess
import sys

import pytest

from nao_tf.runs.run_lock import RunDirectoryInUse, RunLock

HOLD = """
import sys
from nao_tf.runs.run_lock import RunLock
with RunLock(sys.argv[1]):
  print("held", flush=True)
  sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
  command = [sys.executable, "-c", HOLD, str(tmp_path)]
  with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()


def test_the_second_is_refused_with_the_process_of_the_first(tmp_path, holder):
  with pytest.raises(RunDirectoryInUse, match=f"process {holder.pid} on {os.uname().nodename}"):
    RunLock(str(tmp_path))


def test_a_killed_process_gives_up_its_lock(tmp_path, holder):
  holder.kill()
  holder.wait()
  RunLock(str(tmp_path)).close()


def test_a_process_takes_a_lock_once(tmp_path):
  directory = str(tmp_path / "new")
  with RunLock(directory), pytest.raises(RunDirectoryInUse):
    RunLock(directory)
  with RunLock(directory):
    pass
