"""Searches that a test runs itself, without a loop."""

from nao_tf.trial import Evaluation, Trial


def search(strategy, score, num_trials, batch_size=1, after_batch=lambda trials: None):
  """Returns the trials of a search that evaluates batches with a function of the architecture.

  After each batch another function is called with all trials so far.
  """
  trials = []
  while len(trials) < num_trials:
    asked = strategy.ask(batch_size)
    batch = [Trial(len(trials) + i, a, strategy.origin(a), Evaluation(score(a))) for i, a in enumerate(asked)]
    strategy.tell(batch)
    trials += batch
    after_batch(trials)
  return trials
