"""A search on a cluster of Ray of three nodes on one machine: a node is killed, one joins, the head is lost.

    python -m tests.support.ray_cluster DIRECTORY

Its journal is read after each of these, and nothing that was finished may be missing or be evaluated again.
"""

import functools
import json
import os
import subprocess
import sys
import time

from nao_tf.evaluators.tabular_evaluator import TabularEvaluator
from nao_tf.runs.journal import Journal, read_trials
from nao_tf.searches.executors import ExecutorSettings, make_executor
from nao_tf.searches.loop import run_search
from nao_tf.spaces import make_space
from nao_tf.strategies import make_strategy
from nao_tf.tables import read_table
from tests.support import toy_tables
from tests.support.executor_kills import append, lines

SPACE = "nasbench201"
NUM_TRIALS = 90
SECONDS_PER_TRIAL = 1.5
LONGEST_WAIT = 300.0
RECONNECT_SECONDS = "5"
"""After which a driver gives up a head that does not answer; a minute is usual."""

SEARCH_DIRECTORY = "search"
BEGUN_FILE = "begun.jsonl"
DRIVER_LOG = "driver.log"


class Witness:
  """Looks up in a table, slowly, and writes down beforehand what, where and when."""

  def __init__(self, table, path):
    self._evaluator, self._path = TabularEvaluator(read_table(table)), path

  def evaluate(self, architectures):
    for architecture in architectures:
      append(self._path, [time.time(), os.getpid(), list(architecture)])
      time.sleep(SECONDS_PER_TRIAL)
      yield from self._evaluator.evaluate([architecture])


def make_witness(table, path):
  return Witness(table, path)


def drive(directory, address):
  """Is the process of the search."""
  make = functools.partial(make_witness, table_of(directory), os.path.join(directory, BEGUN_FILE))
  settings = ExecutorSettings(num_workers=None, ray_address=address)
  strategy = make_strategy("evolution", make_space(SPACE), seed=0)
  with (
    Journal(os.path.join(directory, SEARCH_DIRECTORY), {"seed": 0}) as journal,
    make_executor("ray", make, settings) as executor,
  ):
    run_search(strategy, executor, journal, num_trials=NUM_TRIALS, batch_size=1)


def table_of(directory):
  return os.path.join(directory, "table.npz")


def start_driver(directory, address):
  """Starts the process of the search."""
  command = [sys.executable, "-m", "tests.support.ray_cluster", "drive", directory, address]
  environment = {**os.environ, "RAY_gcs_rpc_server_reconnect_timeout_s": RECONNECT_SECONDS}
  with open(os.path.join(directory, DRIVER_LOG), "ab") as log:
    return subprocess.Popen(command, stdout=log, stderr=log, env=environment)


def closed(directory):
  """Returns the closed trials by id."""
  path = os.path.join(directory, SEARCH_DIRECTORY)
  if not os.path.exists(os.path.join(path, "trials.jsonl")):
    return {}
  return {trial.id: trial for trial in read_trials(path) if trial.evaluation is not None}


def begun(directory):
  """Returns time, process and architecture of each evaluation that was begun."""
  return lines(os.path.join(directory, BEGUN_FILE))


def wait_until(what, is_true, driver):
  """Waits for something that the search does."""
  deadline = time.monotonic() + LONGEST_WAIT
  while not is_true():
    if driver.poll() is not None:
      raise RuntimeError(f"the search ended with status {driver.returncode} before: {what}")
    if time.monotonic() > deadline:
      raise TimeoutError(what)
    time.sleep(0.05)


def wait_for_trials(directory, count, driver):
  wait_until(f"{count} trials", lambda: len(closed(directory)) >= count, driver)


def start_cluster():
  """Returns a cluster of three nodes with one core each, and the two that are not its head."""
  from ray.cluster_utils import Cluster

  cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
  return cluster, [cluster.add_node(num_cpus=1) for _ in range(2)]


def most_at_a_time(rows):
  """Returns how many of these evaluations were under way at once, at most."""
  return max((sum(0 <= row[0] - other[0] < SECONDS_PER_TRIAL for other in rows) for row in rows), default=0)


def num_repeated(rows, before):
  """Returns how many of these evaluations are of trials that were closed before."""
  finished = {trial.architecture for trial in before.values()}
  return sum(tuple(architecture) in finished for _, _, architecture in rows)


def num_lost(before, after):
  return sum(after.get(number) != trial for number, trial in before.items())


def main(directory):
  """Returns what happened, by step."""
  os.makedirs(directory, exist_ok=True)
  toy_tables.write_table(table_of(directory), toy_tables.nasbench201_arrays())
  steps = {}
  cluster, nodes = start_cluster()
  try:
    driver = start_driver(directory, cluster.address)
    wait_for_trials(directory, 8, driver)
    steps["three nodes"] = {"closed": len(closed(directory)), "at a time": most_at_a_time(begun(directory))}
    steps["a node is killed"] = step(directory, driver, 2, lambda: cluster.remove_node(nodes[0], allow_graceful=False))
    steps["a node joins"] = step(directory, driver, 3, lambda: cluster.add_node(num_cpus=1))
    steps["the head is lost"] = lose_head(directory, driver, cluster)
  finally:
    cluster.shutdown()
  steps["the same command on a new cluster"] = go_on(directory)
  return steps


def step(directory, driver, num_nodes, act):
  """Does something to the cluster as trials are under way, and waits until ten more are closed by so many nodes."""
  before, rows = closed(directory), begun(directory)
  under_way = {tuple(row[2]) for row in rows} - {trial.architecture for trial in before.values()}
  act()
  wait_until(f"{num_nodes} nodes", lambda: most_at_a_time(begun(directory)[len(rows) :]) == num_nodes, driver)
  wait_for_trials(directory, len(before) + 10, driver)
  after, later = closed(directory), begun(directory)[len(rows) :]
  return {
    "closed": len(after),
    "lost": num_lost(before, after),
    "repeated": num_repeated(later, before),
    "under way": len(under_way),
    "begun again": len(under_way & {tuple(row[2]) for row in later}),
    "failed": sum(trial.reward is None for trial in after.values()),
    "at a time": most_at_a_time(later),
  }


def lose_head(directory, driver, cluster):
  """Kills all processes of the head node, and waits until the driver has ended."""
  before = closed(directory)
  start = time.monotonic()
  cluster.remove_node(cluster.head_node, allow_graceful=False)
  status = driver.wait(LONGEST_WAIT)
  after = closed(directory)
  seconds = round(time.monotonic() - start, 1)
  return {"closed": len(after), "lost": num_lost(before, after), "status": status, "seconds": seconds}


def go_on(directory):
  """Runs the same command to its end."""
  before, num_before = closed(directory), len(begun(directory))
  cluster, _ = start_cluster()
  try:
    status = start_driver(directory, cluster.address).wait(LONGEST_WAIT)
  finally:
    cluster.shutdown()
  after, later = closed(directory), begun(directory)[num_before:]
  trials = read_trials(os.path.join(directory, SEARCH_DIRECTORY))
  return {
    "closed": len(after),
    "lost": num_lost(before, after),
    "repeated": num_repeated(later, before),
    "status": status,
    "open": sum(trial.evaluation is None for trial in trials),
    "failed": sum(trial.reward is None for trial in after.values()),
    "different": len({trial.architecture for trial in trials}),
  }


if __name__ == "__main__":
  if sys.argv[1] == "drive":
    drive(*sys.argv[2:])
  else:
    for name, figures in main(os.path.abspath(sys.argv[1])).items():
      print(json.dumps({name: figures}))
