"""How a command ends whose disk is full, and one that is told to end."""

import errno
import subprocess
import sys

import pytest

from nao_tf.tools import running

PROGRAM = """
import errno
from absl import flags
from nao_tf.tools import running

def define_flags(values):
  flags.DEFINE_string("workdir", None, "directory", flag_values=values)

def main(values):
  raise OSError(errno.ENOSPC, "No space left on device")

running.run(define_flags, main, check=None)
"""


def test_a_full_disk_is_named_with_its_place(tmp_path):
  command = [sys.executable, "-c", PROGRAM, f"--workdir={tmp_path}/run"]
  done = subprocess.run(command, capture_output=True, text=True, check=False)
  assert done.returncode == 1
  assert f"error: the disk is full (in {tmp_path}/run); files written before are intact: free disk space" in done.stderr


@pytest.mark.parametrize(
  ("error", "expected"),
  [
    (OSError(errno.EDQUOT, "Disk quota exceeded", "a/b.json"), "the disk is full (a/b.json); files"),
    (OSError(errno.ENOENT, "No such file", "a"), "[Errno 2] No such file: 'a'"),
    (ValueError("wrong"), "wrong"),
  ],
)
def test_other_errors_say_what_they_say(error, expected):
  assert running._described(error).startswith(expected)


@pytest.mark.parametrize("makes", [True, False])
def test_a_command_that_is_told_to_end_goes_on_only_from_a_directory_that_there_is(tmp_path, makes):
  body = "os.makedirs(values.workdir)\n  " * makes + "signal.raise_signal(signal.SIGTERM)"
  program = "import os, signal\n" + PROGRAM.replace('raise OSError(errno.ENOSPC, "No space left on device")', body)
  command = [sys.executable, "-c", program, f"--workdir={tmp_path}/run"]
  done = subprocess.run(command, capture_output=True, text=True, check=False)
  assert done.returncode == 143
  expected = f"the same command resumes from {tmp_path}/run" if makes else "nothing was saved"
  assert done.stderr == f"stopped by SIGTERM; {expected}\n"


def test_an_error_of_the_library_names_the_flags_of_the_command(tmp_path):
  program = PROGRAM.replace('OSError(errno.ENOSPC, "No space left on device")', 'ValueError("workdir=x is wrong")')
  command = [sys.executable, "-c", program, f"--workdir={tmp_path}/run"]
  done = subprocess.run(command, capture_output=True, text=True, check=False)
  assert (done.returncode, done.stderr) == (1, "error: --workdir=x is wrong\n")
