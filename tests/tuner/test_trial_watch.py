import subprocess
import sys
import time

from nao_tf.tuner.trial_watch import EXIT_CODE, TrialWatch

HANGS = """
import time
from nao_tf.tuner.trial_watch import TrialWatch
watch = TrialWatch(0.2, lambda trial_id: print("recorded", trial_id))
watch.start("07")
def hang():
  time.sleep(60)
hang()
"""


def test_a_process_whose_trial_takes_too_long_ends_and_says_where_it_was():
  done = subprocess.run([sys.executable, "-c", HANGS], capture_output=True, text=True, timeout=50, check=False)
  assert done.returncode == EXIT_CODE
  assert done.stdout == "recorded 07\n"
  assert "trial 07 took more than trial_timeout=0.2 seconds" in done.stderr and "in hang" in done.stderr


def test_a_trial_that_is_over_in_time_ends_nothing():
  overdue = []
  watch = TrialWatch(0.1, overdue.append)
  for trial_id in ("0", "1"):
    watch.start(trial_id)
    watch.stop()
  watch.stop()
  time.sleep(0.3)
  assert not overdue
