"""Sections about what came out: the predictor, the finalists, the choices, the failures."""

import collections
import statistics

from nao_tf.fields import counted
from nao_tf.reports.calibration import Calibration
from nao_tf.reports.choices import choice_shares
from nao_tf.reports.columns import reason_of
from nao_tf.reports.markup import NONE, chart, details, escaped, figure, table
from nao_tf.reports.ranking import Ranking, kendall_tau
from nao_tf.reports.record import Record
from nao_tf.trial import top_trials

_MOST_REASONS = 50
_SHOWN_IDS = 6


def predictor(found: list[Ranking], calibrated: Calibration | None = None) -> str:
  """Returns how the predictor ranked its proposals, round by round, and how well it knew its own errors."""
  if not found:
    return ""
  taus = [ranking.tau for ranking in found if ranking.tau is not None]
  words = (
    f"Kendall's tau is {statistics.mean(taus):.2f} on average over {counted(len(taus), 'round')}. " if taus else ""
  )
  note = (
    "1 is a perfect ranking, 0 is chance. Proposals are the best-ranked candidates, so their order is hard to predict."
  )
  known = f"<p>{calibrated}</p>" if calibrated else ""
  rows = [(f"{r.asked_before:,}", str(len(r.ids)), NONE if r.tau is None else f"{r.tau:.2f}") for r in found]
  heads = ("proposals before training", "proposals evaluated", "Kendall's tau")
  return (
    f"<p>{words}{note}</p>{known}{chart('predicted', 'Predicted score and reward of each proposal')}"
    f"{details('Each round', table('Rank correlation by round', heads, rows, numbers=(0, 1, 2)))}"
  )


def finalists(record: Record) -> str:
  """Returns how the finalists did when they were evaluated again."""
  if not record.finalists:
    return ""
  before = record.by_id()
  ranked = top_trials(record.finalists, len(record.finalists))
  rest = [trial for trial in record.finalists if trial.reward is None]
  rows = [
    (
      f"#{t.id}",
      figure(before[t.id].reward),
      figure(t.reward),
      escaped(reason_of(t) or ("" if t.evaluation else "open")),
    )
    for t in (*ranked, *rest)
  ]
  heads = ("trial", "reward in the search", "reward when trained from scratch", "")
  pairs = [
    (x, trial.reward) for trial in ranked if (x := before[trial.id].reward) is not None and trial.reward is not None
  ]
  tau = kendall_tau(*zip(*pairs)) if len(pairs) > 1 else None
  words = (
    "" if tau is None else f"<p>Kendall's tau between the two rewards is {tau:.2f} over {len(pairs)} finalists.</p>"
  )
  drawn = chart("finalists", "Reward in the search and when trained from scratch") if pairs else ""
  return f"{words}{drawn}{table('Best trials of the search, trained from scratch', heads, rows, numbers=(1, 2))}"


def choices(record: Record) -> str:
  """Returns how often each operation and input was chosen, among the best and among all."""
  shares = choice_shares(record)
  return (
    f'<div class="columns">{"".join(_choice_table(kind, rows) for kind, rows in shares.items())}</div>'
    if shares
    else ""
  )


def failures(record: Record) -> str:
  """Returns the reasons of failures, the most frequent first."""
  groups: dict[str, list[int]] = collections.defaultdict(list)
  for trial in record.failed:
    groups[reason_of(trial)].append(trial.id)
  if not groups:
    return ""
  ranked = sorted(groups.items(), key=lambda group: -len(group[1]))
  rows = [(f"{len(ids):,}", escaped(reason), _ids(ids)) for reason, ids in ranked[:_MOST_REASONS]]
  more = f"<p>{len(ranked) - _MOST_REASONS:,} further reasons are in the table of all trials.</p>"
  shown = table("Reasons for failures", ("count", "reason", "trials"), rows, numbers=(0,))
  return shown + (more if len(ranked) > _MOST_REASONS else "")


def _ids(ids: list[int]) -> str:
  shown = ", ".join(f"#{id_}" for id_ in ids[:_SHOWN_IDS])
  return f"{shown}, …" if len(ids) > _SHOWN_IDS else shown


def _choice_table(kind: str, rows: list[tuple[str, float, float]]) -> str:
  cells = [(escaped(choice), _bar(best, "best"), _bar(every, "all")) for choice, best, every in rows]
  return table(kind.capitalize(), ("choice", "best tenth", "all"), cells)


def _bar(share: float, kind: str) -> str:
  return f'<span class="bar {kind}" style="--share:{share:.4f}"></span> {share:.1%}'
