"""Sets that several processes prepare at the same time."""

import random
import subprocess
import sys

import pytest
from tensorflow_datasets.core.utils import file_utils

from nao_tf.tasks import text
from nao_tf.tasks.text_builder import LocalText
from tests.support.toy_text import sentences, write_files


def prepared(text_dir, data_dir):
  """Prepares a text in a process whose seed is that of others; returns its first lines."""
  random.seed(0)
  return LocalText(source=text.TextFiles(text_dir), data_dir=str(data_dir)).lines("train")


def test_processes_with_one_seed_write_into_directories_of_their_own(tmp_path, monkeypatch):
  drawn, draw = [], file_utils._get_incomplete_dir
  monkeypatch.setattr(file_utils, "_get_incomplete_dir", lambda name: drawn.append(draw(name)) or drawn[-1])
  text_dir = write_files(tmp_path)
  assert prepared(text_dir, tmp_path / "one") == prepared(text_dir, tmp_path / "two") == sentences("train")
  first, second = (name.rstrip("/").rpartition("/")[2] for name in drawn)
  assert first != second


def test_what_a_program_draws_afterwards_is_as_if_nothing_had_been_prepared(tmp_path):
  prepared(write_files(tmp_path), tmp_path / "data")
  after = random.random()
  random.seed(0)
  assert after == random.random()


PROGRAM = """
import sys
from nao_tf.tasks import text
from tests.tasks.test_preparation import prepared
print("ready", flush=True)
sys.stdin.readline()
print(len(prepared(*sys.argv[1:])))
"""


@pytest.mark.slow
def test_three_processes_with_one_seed_prepare_a_text_at_the_same_time(tmp_path):
  command = [sys.executable, "-c", PROGRAM, write_files(tmp_path), str(tmp_path / "data")]
  pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
  processes = [subprocess.Popen(command, **pipes) for _ in range(3)]
  assert [process.stdout.readline() for process in processes] == ["ready\n"] * 3
  for process in processes:
    process.stdin.write("go\n")
    process.stdin.flush()
  said = [process.communicate()[0].splitlines()[-1] for process in processes]  # After what is said of the preparation.
  assert said == [str(len(sentences("train")))] * 3
