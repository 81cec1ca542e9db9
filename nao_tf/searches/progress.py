"""Shows on a progress bar how the trials of a search go."""

from collections.abc import Callable

import tqdm

from nao_tf.trial import Trial, best_trial


def show_on(bar: tqdm.tqdm) -> Callable[[Trial], None]:
  """Returns a function that shows a trial, and the best one so far, on a progress bar."""
  best: Trial | None = None

  def show(trial: Trial) -> None:
    nonlocal best
    best = best_trial([trial, *([best] if best else [])])
    bar.set_postfix(best=f"{best.reward:.4f}" if best else "none", last=outcome(trial), refresh=False)
    bar.update()

  return show


def outcome(trial: Trial) -> str:
  """Returns in words how a trial went."""
  if trial.reward is not None:
    return f"{trial.reward:.4f}"
  return f"failed ({trial.evaluation.metrics.get('reason')})" if trial.evaluation else "open"
