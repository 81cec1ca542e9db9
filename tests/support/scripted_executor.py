"""An executor whose workers finish in an order that a test chooses, without processes and without time."""

from nao_tf.searches.executors import Executor
from tests.support.toys import CountingEvaluator


class Killed(KeyboardInterrupt):
  """Raised where the process of a search would be killed."""


class ScriptedExecutor(Executor):
  """Holds trials until the script lets one of them finish.

  Attributes:
    evaluated: ids of the trials that were finished, in their order.
    most_at_a_time: the most trials that were held at once.
  """

  def __init__(self, num_workers, order=(), *, lives=-1):
    """Takes a script.

    Args:
      num_workers: trials at a time.
      order: which of the trials that are held finishes next, as numbers of any size; after them the oldest does.
      lives: so many trials finish before the process is killed; -1: it is not.
    """
    self._num_workers, self._order, self._lives = num_workers, list(order), lives
    self._held = []
    self.evaluated, self.most_at_a_time = [], 0

  @property
  def num_workers(self):
    return self._num_workers

  @property
  def num_free(self):
    return self._num_workers - len(self._held)

  @property
  def is_idle(self):
    return not self._held

  def start(self, run):
    self._run, self._held = run, []

  def submit(self, trials):
    assert len(trials) <= self.num_free
    for trial in trials:
      self._run.attempts.begin(trial.id)
    self._held += trials
    self.most_at_a_time = max(self.most_at_a_time, len(self._held))

  def next_done(self):
    if not self._lives:
      raise Killed
    self._lives -= 1
    number = self._order.pop(0) if self._order else 0
    trial = self._held.pop(number % len(self._held))
    self.evaluated.append(trial.id)
    return trial.close(CountingEvaluator().score(trial.architecture))
