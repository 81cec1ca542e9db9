"""How the probabilities of choices went in a one-shot search: a small drawing for each decision."""

from collections.abc import Iterator, Mapping, Sequence

from nao_tf.reports.markup import escaped
from nao_tf.runs.shares import Shares

_WIDTH, _HEIGHT = 160, 60
_MOST_EPOCHS = 60
_NOTE = (
  "Each plot shows one decision, with a line per choice: its probability after each epoch, from 0 (bottom) to 1 (top). The"
  " thick line is the most likely choice after the last epoch."
)


def shares_over_time(shares: Mapping[int, Sequence[Shares]]) -> str:
  """Returns the drawings of all decisions; nothing if there are none.

  Args:
    shares: by epoch.
  """
  if not shares:
    return ""
  epochs = _some(sorted(shares))
  rows = [[shares[epoch][number] for epoch in epochs] for number in range(min(map(len, shares.values())))]
  titles = dict.fromkeys(row[0].group for row in rows)  # Decisions of a kind may lie apart.
  groups = (_group(title, [row for row in rows if row[0].group == title]) for title in titles)
  return f'<p class="note">{_NOTE}</p>' + "".join(groups)


def _some(epochs: Sequence[int]) -> list[int]:
  """Returns at most 60 epochs, the last one among them."""
  step = -(-len(epochs) // _MOST_EPOCHS)
  return list(epochs[::-1][::step])[::-1]


def _group(title: str, decisions: Sequence[Sequence[Shares]]) -> str:
  return f'<h3>{escaped(title)}</h3><div class="shares">{"".join(map(_decision, decisions))}</div>'


def _decision(history: Sequence[Shares]) -> str:
  """Returns the drawing of a decision."""
  last = history[-1]
  best = max(range(len(last.values)), key=lambda number: last.values[number])
  words = f"{last.name}: {last.choices[best]} {last.values[best]:.2f}"
  lines = "".join(_lines(history, best))
  return (
    f'<figure><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escaped(words)}">{lines}</svg>'
    f"<figcaption>{escaped(words)}</figcaption></figure>"
  )


def _lines(history: Sequence[Shares], best: int) -> Iterator[str]:
  """Yields a line for each choice, the most likely one last, on top of the others."""
  order = sorted(range(len(history[-1].choices)), key=lambda number: number == best)
  for number in order:
    values = [shares.values[number] for shares in history]
    values = values * 2 if len(values) == 1 else values
    points = " ".join(
      f"{_WIDTH * place / (len(values) - 1):.0f},{_HEIGHT * (1 - value):.1f}" for place, value in enumerate(values)
    )
    kind = ' class="best"' if number == best else ""
    yield f'<polyline{kind} points="{points}"><title>{escaped(history[-1].choices[number])}</title></polyline>'
