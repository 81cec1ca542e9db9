"""A quick search for two objectives: many choices of 1 are accurate, and each choice costs what its number is."""

import numpy as np

from nao_tf.objectives import objectives_of
from nao_tf.runs.journal import Journal
from nao_tf.searches.loop import run_search
from nao_tf.trial import Evaluation


class Evaluator:
  """Deterministic and quick; the accuracy has a share for the order, and some trials fail or have no number."""

  def evaluate(self, architectures):
    for architecture in architectures:
      yield score(architecture)


def score(architecture):
  """Returns the evaluation of an architecture."""
  if sum(architecture) % 17 == 0:
    return Evaluation.failed("the sum of choices is a multiple of 17")
  weights = 1 / np.arange(1, len(architecture) + 1)
  accuracy = float((np.asarray(architecture) == 1) @ weights / weights.sum())
  parameters = float("nan") if sum(architecture) % 13 == 0 else cost(architecture)
  return Evaluation(accuracy, metrics={"accuracy": accuracy, "parameters": parameters})


def cost(architecture):
  """Returns what an architecture costs."""
  return float(1 + sum(architecture))


OBJECTIVES = objectives_of(["accuracy", "parameters"])
WITH_KNOWN_COST = objectives_of(["accuracy", "parameters"], {"parameters": cost})


def search(strategy, directory, num_trials, *, batch_size=1, objectives=OBJECTIVES):
  """Runs a search; returns its trials."""
  with Journal(directory, {"objectives": list(map(str, objectives.members))}) as journal:
    run_search(strategy, Evaluator(), journal, num_trials=num_trials, batch_size=batch_size, objectives=objectives)
    return journal.trials
