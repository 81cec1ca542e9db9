import json
import os
import subprocess
import sys

import pytest

from nao_tf.runs.run_lock import RunDirectoryInUse
from nao_tf.runs.settings import RunDirectoryError
from nao_tf.tuner.project_lock import check_up_to_date, project_lock

OTHER = """
import sys
from nao_tf.runs.run_lock import RunDirectoryInUse
from nao_tf.tuner.project_lock import project_lock
for _ in sys.stdin:
  try:
    with project_lock(sys.argv[1]):
      print("locked", flush=True)
  except RunDirectoryInUse as error:
    print(error, flush=True)
"""


@pytest.fixture
def other_process(tmp_path):
  """Another process, which says whether it gets the lock; if not, why."""
  command = [sys.executable, "-c", OTHER, str(tmp_path)]
  process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

  def answer():
    process.stdin.write("go\n")
    process.stdin.flush()
    return process.stdout.readline()

  yield answer
  process.communicate(timeout=100)


def test_another_process_is_refused_with_the_name_of_the_first_until_its_last_user_is_done(tmp_path, other_process):
  with project_lock(str(tmp_path)):
    with project_lock(f"{tmp_path}/."):  # As when a cell of a notebook is run again.
      pass
    assert f"process {os.getpid()} on" in other_process()
  assert other_process() == "locked\n"


@pytest.mark.parametrize("name", ["a[1]", "ü *?"])
def test_a_directory_may_have_any_name(tmp_path, name):
  with project_lock(str(tmp_path / name)):
    pass
  assert (tmp_path / name).is_dir()


def test_the_lock_is_given_up_after_an_exception(tmp_path):
  with pytest.raises(KeyError), project_lock(str(tmp_path)):
    raise KeyError
  with project_lock(str(tmp_path)):
    pass


def test_a_remote_project_has_no_lock():
  with project_lock("gs://bucket/project"):
    pass


@pytest.mark.skipif(not hasattr(os, "fork"), reason="has no fork")
def test_a_forked_process_does_not_have_the_lock_of_its_parent(tmp_path):
  with project_lock(str(tmp_path)):
    child = os.fork()
    if not child:
      try:
        with project_lock(str(tmp_path)):
          os._exit(1)
      except RunDirectoryInUse:
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_project_with_trials_that_this_process_does_not_know_is_refused(tmp_path):
  check_up_to_date(str(tmp_path), [])
  (tmp_path / "oracle.json").write_text(json.dumps({"start_order": ["0", "1"]}))
  check_up_to_date(str(tmp_path), ["0", "1", "2"])
  with pytest.raises(RunDirectoryError, match="another process has resumed.* trial 1"):
    check_up_to_date(str(tmp_path), ["0"])


@pytest.mark.parametrize("text", ["[]", "{}", '{"start_order": 3}', "{", ""])
def test_a_damaged_project_is_refused_with_the_name_of_the_file(tmp_path, text):
  (tmp_path / "oracle.json").write_text(text)
  with pytest.raises(ValueError, match="oracle.json"):
    check_up_to_date(str(tmp_path), [])
