"""Damages files of every kind and reads them: whatever a file holds, it is read or refused by name, at once.

Example:
  python -m tests.support.fuzzing --cases=1000000 --seed=0

Case number n of a seed is always the same, so a search for faults that was interrupted goes on with --first_case, and
one case is repeated with --first_case=n --cases=1. The exit code is 1 if a case failed.
"""

import argparse
import os
import random
import resource
import sys
import tempfile
import time
import traceback

from tests.support.readers import READERS

SLOWEST = 1.0
"""Seconds of the processor."""
LARGEST = 500_000
"""Kilobytes of memory that reading may take."""
_EVERY = 10_000


class Case:
  """One damaged file of one reader."""

  def __init__(self, name, reader, directory):
    self.name, self._reader = name, reader
    self._path = reader.write(directory)
    self._name = {"file": os.path.basename(self._path), "directory": directory, "": ""}[reader.names]
    reader.read(self._path)  # So that no case is slow because it is the first to import something.
    with open(self._path, "rb") as file:
      self._damage = reader.damage(file.read())

  def run(self, rng):
    """Reads a damaged file.

    Returns:
      Whether it was refused.

    Raises:
      Exception: what is not allowed.
    """
    return self.read(self._damage.damaged(rng))

  def read(self, data):
    """Reads a file that holds something else; see `run`."""
    with open(self._path, "wb") as file:
      file.write(data)
    try:
      self._reader.read(self._path)
    except self._reader.errors as error:
      if self._name not in str(error):
        raise AssertionError(f"{self._name} is not named: {error}") from error
      return True
    return False


def cases(directory, names):
  """Returns a case for each reader, in directories of their own."""
  made = []
  for number, name in enumerate(names):
    place = os.path.join(directory, f"reader{number}")
    os.makedirs(place)
    made.append(Case(name, READERS[name], place))
  return made


class Record:
  """What has happened so far."""

  def __init__(self):
    self.failures, self.refused, self.slowest = {}, 0, (0.0, "", 0)
    self._memory = peak_memory()

  def fail(self, name, number, error):
    """Notes a failure; each kind of failure of a reader is printed once."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    key = name, type(error).__name__, place.filename, place.lineno
    self.failures[key] = self.failures.get(key, 0) + 1
    if self.failures[key] == 1:
      print(f"FAILED {name}, case {number}: {error!r:.300} at {place.filename}:{place.lineno}", flush=True)

  def note_time(self, seconds, name, number):
    """Notes how long a case took."""
    self.slowest = max(self.slowest, (seconds, name, number))
    if seconds > SLOWEST:
      print(f"SLOW {name}, case {number}: {seconds:.2f} s", flush=True)

  def summary(self):
    """Returns what has happened in one line."""
    seconds, name, number = self.slowest
    return (
      f"{sum(self.failures.values())} failures of {len(self.failures)} kinds, {self.refused} refused by name, slowest"
      f" {seconds:.3f} s ({name}, case {number}), peak memory"
      f" {peak_memory() / 1000:.0f} MB, {self._memory / 1000:.0f} MB at the start"
    )

  @property
  def ok(self):
    """Whether every case obeyed the law."""
    return not self.failures and self.slowest[0] <= SLOWEST and peak_memory() - self._memory <= LARGEST


def peak_memory():
  """Returns the most memory that this process has had, in kilobytes."""
  return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def run(made, first, count, seed, record):
  """Runs cases, the readers in turn."""
  start = time.monotonic()
  for number in range(first, first + count):
    case = made[number % len(made)]
    rng = random.Random(seed << 64 | number)
    begun = time.process_time()
    try:
      record.refused += case.run(rng)
    except Exception as error:
      record.fail(case.name, number, error)
    record.note_time(time.process_time() - begun, case.name, number)
    done = number + 1 - first
    if not done % _EVERY:
      rate = done / (time.monotonic() - start)
      print(f"{done} of {count} cases, {rate:.0f} a second, next case {number + 1}; {record.summary()}", flush=True)


def arguments(argv):
  """Returns the parsed command line."""
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument("--cases", type=int, default=100_000)
  parser.add_argument("--seed", type=int, default=0)
  parser.add_argument("--first_case", type=int, default=0)
  parser.add_argument("--readers", help="names separated by commas; default: all that need no TensorFlow")
  parser.add_argument(
    "--with_tensorflow", action="store_true", help="those that need TensorFlow, instead of the others"
  )
  return parser.parse_args(argv)


def chosen(options):
  """Returns the names of the readers."""
  if options.readers:
    return options.readers.split(",")
  return [name for name, r in READERS.items() if r.needs_tensorflow == options.with_tensorflow and not r.waiting]


def main(argv):
  """Runs what the command line says; returns the exit code."""
  options = arguments(argv)
  names = chosen(options)
  print(f"{len(names)} readers: {', '.join(names)}; seed {options.seed}", flush=True)
  memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
  with tempfile.TemporaryDirectory(dir=memory) as directory:
    made, record = cases(directory, names), Record()
    run(made, options.first_case, options.cases, options.seed, record)
  word = "PASSED" if record.ok else "FAILED"
  print(f"RESULT {word}: {options.cases} cases from {options.first_case}, seed {options.seed}; {record.summary()}")
  return 0 if record.ok else 1


if __name__ == "__main__":
  sys.exit(main(sys.argv[1:]))
