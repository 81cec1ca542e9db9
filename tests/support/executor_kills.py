"""Kills workers and drivers of searches in processes at random moments, and checks what their journals say.

    python -m tests.support.executor_kills DIRECTORY KILLS SECONDS

Run again with the same directory, it goes on, also if it was killed itself.
"""

import dataclasses
import functools
import json
import os
import random
import signal
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

STRATEGIES = ("random", "evolution", "local_search")
SPACE = "nasbench201"
NUM_WORKERS = 2
NUM_TRIALS = 300
SECONDS_PER_TRIAL = 0.05
LONGEST_LIVES = {"processes": 4.0, "ray": 30.0}
"""A driver is killed after at most so many seconds; starting Ray takes some."""

BEGUN_FILE = "begun.jsonl"
KILLS_FILE = "kills.jsonl"
RESULTS_FILE = "results.jsonl"


FIGURES = ("lost", "repeated", "orphans", "open", "failed")


def append(path, record):
  """Appends a line at once, so that several processes can write to one file."""
  file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
  os.write(file, (json.dumps(record) + "\n").encode())
  os.close(file)


def lines(path):
  """Returns the records of a file; none if there is no file."""
  if not os.path.exists(path):
    return []
  with open(path) as file:
    return [json.loads(line) for line in file]


class Witness:
  """Looks up in a table, slowly, and writes down beforehand who looks up what."""

  def __init__(self, table, path, life):
    self._evaluator, self._path, self._life = TabularEvaluator(read_table(table)), path, life

  def evaluate(self, architectures):
    for architecture in architectures:
      append(self._path, [self._life, os.getpid(), list(architecture)])
      time.sleep(SECONDS_PER_TRIAL)
      yield from self._evaluator.evaluate([architecture])


def make_witness(table, path, life):
  return Witness(table, path, life)


def drive(executor, directory, strategy, seed, num_trials, table, life):
  """Is the process of a search."""
  make = functools.partial(make_witness, table, os.path.join(directory, BEGUN_FILE), life)
  settings = ExecutorSettings(num_workers=NUM_WORKERS)
  proposer = make_strategy(strategy, make_space(SPACE), seed=seed)
  with Journal(directory, {"seed": seed}) as journal, make_executor(executor, make, settings) as workers:
    run_search(proposer, workers, journal, num_trials=num_trials, batch_size=1)


@dataclasses.dataclass
class Search:
  """A search that is killed again and again.

  Attributes:
    parent: directory of all searches, with the table.
    seed: of this one.
    executor: its executor.
    num_trials: its budget.
  """

  parent: str
  seed: int
  executor: str = "processes"
  num_trials: int = NUM_TRIALS

  @property
  def directory(self):
    return os.path.join(self.parent, f"search_{self.seed}")

  @property
  def strategy(self):
    return STRATEGIES[self.seed % len(STRATEGIES)]

  def start(self, table, life):
    """Returns the process of a driver."""
    arguments = [self.executor, self.directory, self.strategy, self.seed, self.num_trials, table, life]
    command = [sys.executable, "-m", "tests.support.executor_kills", "drive", *map(str, arguments)]
    with open(os.path.join(self.parent, "drivers.log"), "ab") as log:
      return subprocess.Popen(command, stdout=log, stderr=log)

  def closed(self):
    """Returns the closed trials by id."""
    if not os.path.exists(os.path.join(self.directory, "trials.jsonl")):
      return {}
    return {trial.id: trial for trial in read_trials(self.directory) if trial.evaluation is not None}

  def begun(self):
    """Returns the lives, processes and architectures of all evaluations that were begun."""
    return lines(os.path.join(self.directory, BEGUN_FILE))


def children_of(pid):
  """Returns the processes that a process has started and that are still its own, those of Python alone."""
  try:
    with open(f"/proc/{pid}/task/{pid}/children") as file:
      return [child for child in map(int, file.read().split()) if is_worker(child)]
  except OSError:
    return []


def is_worker(pid):
  try:
    with open(f"/proc/{pid}/cmdline", "rb") as file:
      return b"spawn_main" in file.read()
  except OSError:
    return False


def num_left(pids):
  """Returns how many workers are left ten seconds after their driver has ended."""
  deadline = time.monotonic() + 10
  while any(map(is_worker, pids)) and time.monotonic() < deadline:
    time.sleep(0.05)
  return sum(map(is_worker, pids))


def kill(pid):
  try:
    os.kill(pid, signal.SIGKILL)
  except ProcessLookupError:
    return False
  return True


def workers_of(driver, search, num_begun):
  """Returns the processes in which trials of a driver are evaluated; those of Ray are not its own."""
  return children_of(driver.pid) or [pid for pid in {row[1] for row in search.begun()[num_begun:]} if is_worker(pid)]


def live(driver, find_workers, rng, may_kill, on_kill, longest):
  """Kills workers of a driver and then itself, unless its search ends before; returns whether it was killed.

  Args:
    driver: its process.
    find_workers: returns the processes of its workers.
    rng: says when and whom.
    may_kill: whether there are kills left.
    on_kill: called with "worker" or "driver".
    longest: seconds after which it is killed at the latest.
  """
  end = time.monotonic() + rng.uniform(0.3, longest)
  next_worker = time.monotonic() + rng.uniform(0.05, 1.5)
  while driver.poll() is None:
    now = time.monotonic()
    if now >= end and may_kill():
      os.kill(driver.pid, signal.SIGKILL)
      driver.wait()
      on_kill("driver")
      return True
    if now >= next_worker and may_kill():
      workers = find_workers()
      if workers and kill(rng.choice(workers)):
        on_kill("worker")
      next_worker = now + rng.uniform(0.05, 1.5)
    time.sleep(0.01)
  return False


def check_life(before, after, begun):
  """Returns how many finished trials a life of a driver has lost and repeated.

  Args:
    before: closed trials before it, by id.
    after: and after it.
    begun: architectures whose evaluation was begun in it.
  """
  finished = {trial.architecture for trial in before.values()}
  lost = sum(after.get(number) != trial for number, trial in before.items())
  repeated = sum(tuple(architecture) in finished for architecture in begun)
  return lost, repeated + len(begun) - len({tuple(architecture) for architecture in begun})


def search_under_fire(search, table, rng, may_kill, on_kill, deadline):
  """Runs a search to its end; returns what came of it, or None if there was no time."""
  lost = repeated = orphans = 0
  ends: list[int] = []
  os.makedirs(search.directory, exist_ok=True)
  life = max([record[0] for record in search.begun()], default=-1) + 1
  while time.monotonic() < deadline:
    before, num_begun = search.closed(), len(search.begun())
    driver = search.start(table, life)
    find_workers = functools.partial(workers_of, driver, search, num_begun)
    was_killed = live(driver, find_workers, rng, may_kill, on_kill, LONGEST_LIVES[search.executor])
    ends += [] if was_killed else [driver.returncode]
    orphans += num_left({record[1] for record in search.begun()[num_begun:]})
    begun = [record[2] for record in search.begun() if record[0] == life]  # An earlier driver's may write late.
    now_lost, now_repeated = check_life(before, search.closed(), begun)
    lost, repeated, life = lost + now_lost, repeated + now_repeated, life + 1
    if driver.returncode == 0:
      return outcome(search, {"lost": lost, "repeated": repeated, "orphans": orphans, "lives": life, "ends": ends})
  return None


def outcome(search, figures):
  """Returns what the journal of a finished search says."""
  trials = read_trials(search.directory)
  space = make_space(SPACE)
  return {
    "seed": search.seed,
    "strategy": search.strategy,
    "executor": search.executor,
    **figures,
    "asked": len(trials),
    "open": sum(trial.evaluation is None for trial in trials),
    "different": len({space.canonical(trial.architecture) for trial in trials}),
    "failed": sum(trial.evaluation is not None and trial.reward is None for trial in trials),
  }


def main(parent, num_kills, seconds, executor="processes", num_trials=NUM_TRIALS):
  """Kills `num_kills` times, in as many searches as that takes, or as long as there is time.

  Returns:
    What came of the searches, and how often who was killed.
  """
  os.makedirs(parent, exist_ok=True)
  table = os.path.join(parent, "table.npz")
  if not os.path.exists(table):
    toy_tables.write_table(table, toy_tables.nasbench201_arrays())
  kills = [name for _, name in lines(os.path.join(parent, KILLS_FILE))]
  results, deadline = lines(os.path.join(parent, RESULTS_FILE)), time.monotonic() + seconds

  def on_kill(name):
    kills.append(name)
    append(os.path.join(parent, KILLS_FILE), [seed, name])

  def may_kill():
    return len(kills) < num_kills and time.monotonic() < deadline - 20

  while may_kill():
    seed = len(results)
    search, rng = Search(parent, seed, executor, num_trials), random.Random(f"{seed} {len(kills)}")
    result = search_under_fire(search, table, rng, may_kill, on_kill, deadline)
    if result is None:
      break
    results.append(result)
    append(os.path.join(parent, RESULTS_FILE), result)
  return results, {name: kills.count(name) for name in ("worker", "driver")}


if __name__ == "__main__":
  if sys.argv[1] == "drive":
    drive(*sys.argv[2:4], sys.argv[4], int(sys.argv[5]), int(sys.argv[6]), sys.argv[7], int(sys.argv[8]))
  else:
    found, counts = main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), *sys.argv[4:5])
    print(json.dumps({"kills": counts, **{k: sum(r[k] for r in found) for k in FIGURES}}))
    print(
      json.dumps({"searches": len(found), **{k: sum(r[k] for r in found) for k in ("asked", "different", "lives")}})
    )
