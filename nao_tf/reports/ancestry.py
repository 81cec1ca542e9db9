"""Where an architecture came from: its parents, their parents, and so on, as a list in lists."""

from collections.abc import Mapping

from nao_tf.reports.markup import escaped, figure
from nao_tf.trial import Trial

_DEEPEST = 12
_MOST = 60


def ancestors(trial: Trial, trials: Mapping[int, Trial]) -> str:
  """Returns an architecture and its ancestors as a list of HTML, at most 60 of them and 12 generations.

  Args:
    trial: trial of the search.
    trials: trials of the search, by id.
  """
  return f'<ul class="tree">{_item(trial, trials, set(), _DEEPEST)}</ul>'


def _item(trial: Trial, trials: Mapping[int, Trial], seen: set[int], levels: int) -> str:
  """Returns a list item; `seen` are the trials that the list has already, which grows."""
  words = f"#{trial.id}, reward {figure(trial.reward)}: {escaped(trial.origin)}"
  parents = [trials[parent] for parent in trial.origin.parents if parent in trials and parent != trial.id]
  if trial.id in seen or not parents:
    return f"<li>{words}{' (see above)' if trial.id in seen and parents else ''}</li>"
  seen.add(trial.id)
  if not levels or len(seen) >= _MOST:
    return f"<li>{words} …</li>"
  return f"<li>{words}<ul>{''.join(_item(parent, trials, seen, levels - 1) for parent in parents)}</ul></li>"
