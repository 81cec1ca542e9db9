import os
import subprocess
import sys

import pytest

from nao_tf.runs.event_files import EventFiles, has_events
from tests.support.events import scalars


def test_tensorboard_reads_what_was_added(tmp_path):
  with EventFiles(str(tmp_path / "run")) as files:
    files.add(1, {"loss": 2.0, "accuracy": 0.5})
    files.add(2, {"loss": 1.0})
  assert scalars(tmp_path / "run") == {"loss": [(1, 2.0), (2, 1.0)], "accuracy": [(1, 0.5)]}


def test_nothing_is_made_before_the_first_event(tmp_path):
  with EventFiles(str(tmp_path / "run")) as files:
    assert files.last_step is None
  assert not os.path.exists(tmp_path / "run") and not has_events(str(tmp_path / "run"))


def test_a_later_process_knows_the_last_steps_and_its_file_comes_behind(tmp_path):
  for step in range(3):
    with EventFiles(str(tmp_path)) as files:
      assert files.last_step == (step - 1 if step else None)
      files.add(step, {"loss": float(step)})
  assert scalars(tmp_path) == {"loss": [(0, 0.0), (1, 1.0), (2, 2.0)]}
  assert len(os.listdir(tmp_path)) == 3


def test_a_torn_event_is_not_counted_and_may_be_added_again(tmp_path):
  with EventFiles(str(tmp_path)) as files:
    files.add(1, {"loss": 1.0})
    files.add(2, {"loss": 2.0})
  (path,) = tmp_path.iterdir()
  path.write_bytes(path.read_bytes()[:-5])
  with EventFiles(str(tmp_path)) as files:
    assert files.last_steps == {"loss": 1}
    files.add(2, {"loss": 2.5})
  assert scalars(tmp_path) == {"loss": [(1, 1.0), (2, 2.5)]}


@pytest.mark.parametrize("damage", [b"", b"garbage that is no record at all"])
def test_a_damaged_file_costs_what_is_in_it_and_no_more(tmp_path, damage):
  (tmp_path / "events.out.tfevents.0000000001.host.1.0").write_bytes(damage)
  with EventFiles(str(tmp_path)) as files:
    assert files.last_step is None


def test_tensorboard_drops_what_was_taken_back(tmp_path):
  with EventFiles(str(tmp_path)) as files:
    for step in (1, 2, 3):
      files.add(step, {"loss": float(step)})
  with EventFiles(str(tmp_path)) as files:
    files.rewind(2)
    assert files.last_step == 1
    files.add(2, {"loss": 9.0})
  assert scalars(tmp_path) == {"loss": [(1, 1.0), (2, 9.0)]}
  assert EventFiles(str(tmp_path)).last_step == 2


def test_what_begins_anew_replaces_what_is_there_and_no_other_file(tmp_path):
  (tmp_path / "log.txt").write_text("kept")
  for number in (1.0, 2.0):
    with EventFiles(str(tmp_path), anew=True) as files:
      files.add(1, {"loss": number})
  assert scalars(tmp_path) == {"loss": [(1, 2.0)]} and (tmp_path / "log.txt").exists()


def test_many_quick_steps_are_flushed_once_a_second(tmp_path):
  now = [0.0]
  with EventFiles(str(tmp_path), clock=lambda: now[0]) as files:
    for step in range(3):
      files.add(step, {"loss": 1.0})
      files.flush_now_and_then()
    assert scalars(tmp_path) == {"loss": [(0, 1.0)]}
    now[0] = 1.5
    files.flush_now_and_then()
    assert len(scalars(tmp_path)["loss"]) == 3


def test_events_are_written_and_read_without_tensorflow(tmp_path):
  program = (
    "import sys; from nao_tf.runs.event_files import EventFiles as E; f = E(sys.argv[1]); f.add(1, {'a': 1.0});"
    " f.close(); s = E(sys.argv[1]).last_step; sys.exit(s != 1 or 'tensorflow' in sys.modules)"
  )
  assert subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False).returncode == 0
