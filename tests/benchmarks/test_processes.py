"""Jobs in processes of their own: their messages arrive, and their failures are noticed."""

import multiprocessing
import sys
import time

import pytest

from nao_tf.benchmarks import processes


def double(job, send):
  for _ in range(job):
    send(2 * job)


def fail(job, send):
  sys.exit(job)


def test_what_processes_send_arrives():
  messages = []
  processes.run_in_processes(double, [1, 2, 3], num_processes=2, on_message=messages.append)
  assert sorted(messages) == [2, 4, 4, 6, 6, 6]


def test_a_process_that_fails_is_named():
  with pytest.raises(ChildProcessError, match="7: its process ended with exit code 7"):
    processes.run_in_processes(fail, [7], num_processes=1)


def test_no_processes_are_refused():
  with pytest.raises(ValueError, match="num_processes must be at least 1, got 0"):
    processes.run_in_processes(double, [1], num_processes=0)


def wait_for_ever(job, send):
  send(job)
  if job == 0:
    sys.exit(3)
  time.sleep(600)


def test_the_other_processes_end_with_one_that_fails():
  start = time.monotonic()
  with pytest.raises(ChildProcessError, match="0: its process ended with exit code 3"):
    processes.run_in_processes(wait_for_ever, [1, 0, 2], num_processes=3)
  assert time.monotonic() - start < 60
  for child in multiprocessing.active_children():
    child.join(10)
  assert not multiprocessing.active_children()


def test_no_jobs_are_done_at_once():
  processes.run_in_processes(double, [], num_processes=2)
