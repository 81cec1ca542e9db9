"""Trainers whose process gets a signal within an epoch, and what their searches have found."""

import os
import signal

from nao_tf.runs.journal import read_trials
from nao_tf.searches.one_shot.running import run_one_shot_search


def told(trainer, step, number=signal.SIGINT):
  """Lets the process of a trainer get a signal once a step has been made; returns the trainer.

  The handlers of signals are those of a program in the foreground: a job in the background would ignore Ctrl-C.
  """
  signal.signal(signal.SIGINT, signal.default_int_handler)
  fit = trainer.fit

  def fit_and_tell(*, on_step):
    def then():
      if trainer.num_steps_done == step:
        os.kill(os.getpid(), number)
      on_step()

    return fit(on_step=then)

  trainer.fit = fit_and_tell
  return trainer


def searched(directory, space, make_trainer, *steps):
  """Runs a one-shot search that is stopped after each of some steps and goes on.

  Returns:
    The steps that the trainers had made when they were stopped, the figures of the journal, and the last trainer.
  """
  stopped = []
  for step in (*steps, None):
    trainer = told(make_trainer(), step)
    try:
      run_one_shot_search(directory, {}, space, trainer, tensorboard=False)
    except KeyboardInterrupt:
      stopped.append(trainer.num_steps_done)
  return stopped, figures(directory), trainer


def figures(directory):
  """Returns the architectures of a search, and its figures."""
  trials = read_trials(str(directory))
  return [(trial.architecture, {**trial.evaluation.metrics, "seconds": 0.0}) for trial in trials]
