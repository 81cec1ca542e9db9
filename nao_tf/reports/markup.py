"""Pieces of HTML. Texts from outside go through `escaped` or `json_script`, never into the page as they are."""

import html
import json
from collections.abc import Iterable, Sequence
from typing import Any

from nao_tf.trial import LONGEST

NONE = "\N{EN DASH}"
"""What stands for a number that there is not."""

_UNSAFE = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def escaped(value: object) -> str:
  """Returns a value as text that means nothing in HTML, inside of quotation marks too."""
  return html.escape(str(value))


def json_script(name: str, value: Any) -> str:
  """Returns a script element with a JSON value, which nothing in the value can end."""
  text = json.dumps(value, allow_nan=False, separators=(",", ":"))
  for character, escape in _UNSAFE.items():
    text = text.replace(character, escape)
  return f'<script type="application/json" id="{escaped(name)}">{text}</script>'


def section(name: str, title: str, *parts: str) -> str:
  """Returns a section with a heading; nothing if it has no parts.

  Args:
    name: its id on the page.
    title: the heading.
    *parts: HTML.
  """
  body = "".join(parts)
  if not body:
    return ""
  return (
    f'<section id="{name}" aria-labelledby="{name}-title"><h2 id="{name}-title">{escaped(title)}</h2>{body}</section>'
  )


def table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Sequence[int] = ()) -> str:
  """Returns a table.

  Args:
    caption: says what it shows.
    heads: heads of the columns, texts.
    rows: cells as HTML.
    numbers: the columns that are aligned to the right.
  """
  kinds = [' class="number"' if column in numbers else "" for column in range(len(heads))]
  head = "".join(f'<th scope="col"{kind}>{escaped(text)}</th>' for kind, text in zip(kinds, heads))
  body = "".join(f"<tr>{''.join(f'<td{kind}>{cell}</td>' for kind, cell in zip(kinds, row))}</tr>" for row in rows)
  return (
    f'<div class="scroll" tabindex="0" role="region" aria-label="{escaped(caption)}"><table>'
    f"<caption>{escaped(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
  )


def chart(name: str, title: str, note: str = "") -> str:
  """Returns the place of a chart, which the script of the page draws.

  Args:
    name: its key among the charts in the data of the page.
    title: says what it shows.
    note: what to say below it.
  """
  words = f'<p class="note">{escaped(note)}</p>' if note else ""
  return (
    f'<figure class="chart" data-chart="{escaped(name)}"><figcaption>{escaped(title)}</figcaption>'
    f'<div class="plot"></div>{words}</figure>'
  )


def details(summary: str, body: str, *, is_open: bool = False) -> str:
  """Returns HTML that can be folded away.

  Args:
    summary: HTML that stays.
    body: HTML that folds.
    is_open: whether it is seen at first.
  """
  return f"<details{' open' if is_open else ''}><summary>{summary}</summary>{body}</details>"


def figure(value: float | None, digits: int = 5) -> str:
  """Returns a number as text: integers with commas, others and very large ones with some digits; a dash for none."""
  if value is None:
    return NONE
  is_whole = (abs(value) >= 1000 or float(value).is_integer()) and abs(value) < LONGEST
  return f"{value:,.0f}" if is_whole else f"{value:.{digits}g}"


def duration(seconds: float) -> str:
  """Returns a time span in two units."""
  if seconds < 60:
    return f"{seconds:.3g} s"
  minutes, rest = divmod(round(seconds), 60)
  hours, minutes = divmod(minutes, 60)
  days, hours = divmod(hours, 24)
  if days:
    return f"{days} d {hours} h"
  return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
