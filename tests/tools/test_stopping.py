import os
import signal
import subprocess
import sys
import time

import pytest

from nao_tf.runs.attempts import Attempts
from nao_tf.runs.journal import read_trials
from nao_tf.tools.stopping import stopped_by_signals


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_program_in_order_with_its_status(capsys, number, status):
  before, ended = signal.getsignal(number), []
  with pytest.raises(SystemExit) as caught, stopped_by_signals("say it again"):
    try:
      signal.raise_signal(number)
    finally:
      ended.append("in order")
  assert caught.value.code == status and ended == ["in order"]
  assert capsys.readouterr().err == f"stopped by {number.name}; say it again\n"
  assert signal.getsignal(number) == before


PROGRAM = """
import signal
from nao_tf.tools.stopping import stopped_by_signals
with stopped_by_signals("say it again"):
  try:
    signal.raise_signal(signal.SIGTERM)
  finally:
    signal.raise_signal(signal.SIGINT)
"""


WAITS = """
import signal
from nao_tf.tools.stopping import ended_at_once, stopped_by_signals
with stopped_by_signals("say it again"):
  with ended_at_once():
    pass
  assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
  with ended_at_once():
    signal.raise_signal(signal.SIGTERM)
"""


def test_a_call_that_waits_is_ended_by_the_signal_itself():
  done = subprocess.run([sys.executable, "-c", WAITS], capture_output=True, text=True, check=False)
  assert done.returncode == -signal.SIGTERM and not done.stderr


def test_the_second_signal_ends_the_program_at_once():
  done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
  assert done.returncode == 130 and "say it again" not in done.stderr


SEARCH = """
import sys
from nao_tf.runs.journal import Journal
from nao_tf.searches.executors import ExecutorSettings, make_executor
from nao_tf.searches.loop import run_search
from nao_tf.strategies import make_strategy
from nao_tf.tools.stopping import stopped_by_signals
from tests.searches.executors import children
from tests.support.toys import ToySpace

if __name__ == "__main__":
  with (
    stopped_by_signals("say it again"),
    Journal(sys.argv[1], {}) as journal,
    make_executor("processes", children.make_waiting, ExecutorSettings(num_workers=2)) as executor,
  ):
    run_search(make_strategy("random", ToySpace()), executor, journal, num_trials=9, batch_size=1)
"""


def test_a_search_that_is_stopped_ends_its_workers_and_keeps_its_journal_whole(tmp_path):
  program, workdir = tmp_path / "program.py", str(tmp_path / "run")
  program.write_text(SEARCH)
  environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [os.getcwd(), os.environ.get("PYTHONPATH")]))}
  command = [sys.executable, str(program), workdir]
  with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
    logs = [tmp_path / "run" / "trials" / number / "log.txt" for number in "01"]
    deadline = time.monotonic() + 60
    while not all(log.exists() and log.read_text() for log in logs) and time.monotonic() < deadline:
      time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate()
  assert process.returncode == 143 and errors == "stopped by SIGTERM; say it again\n"
  assert [trial.evaluation for trial in read_trials(workdir)] == [None, None]
  attempts = Attempts(workdir, {0, 1})
  assert (attempts.count(0), attempts.count(1)) == (0, 0)  # They are no suspects.
  attempts.close()
  assert not any(os.path.exists(f"/proc/{int(log.read_text())}") for log in logs)
