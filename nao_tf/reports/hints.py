"""The prior knowledge that a search was given, and whether it helped."""

from nao_tf.reports.markup import escaped, table
from nao_tf.reports.record import Record
from nao_tf.runs.hints import Hint, switched_at

_WORDS = (
  "<p>An earlier search or a proxy is used only while it reduces the leave-one-out prediction errors of the rewards of this"
  " search. Its weight is the expected change of the reward per standard deviation of the hint, in standard deviations of"
  " the normal scores of the rewards.</p>"
)


def hints_section(record: Record) -> str:
  """Returns a table of the hints; an empty text if the search was told nothing, or has not asked yet."""
  if not record.hints:
    return ""
  rows = [_row(record, hint) for hint in record.hints[-1].hints]
  return _WORDS + table("Use of hints", ("hint", "used", "weight", "switched on and off"), rows, numbers=(2,))


def _row(record: Record, hint: Hint) -> tuple[str, str, str, str]:
  return escaped(hint.name), "yes" if hint.weight else "no", f"{hint.weight:.2f}", _switched(record, hint.name)


def _switched(record: Record, name: str) -> str:
  """Returns in words when a hint was switched on and off, the last times."""
  moments = switched_at(record.hints, name)
  words = [f"{'off' if number % 2 else 'on'} after {after:,} trials" for number, after in enumerate(moments)]
  more = "" if len(words) <= 4 else f"{len(words) - 4} earlier switches, "
  return more + ", ".join(words[-4:]) if words else "never on"
