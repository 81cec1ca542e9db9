"""Draws docs/images/architecture.svg: the floors of the package, and one trial's way through them.

Example:
  python docs/images/draw_architecture.py
"""

import html
import pathlib

ROWS = (
  ("programs", "#e2e8f0", (("tools", "the commands: parse flags, build, call, print"),)),
  (
    "drivers",
    "#bee3f8",
    (
      ("benchmarks", "strategies and oracles on tables"),
      ("tuner", "KerasTuner: oracle, tuner"),
      ("searches", "the loop, re-ranking"),
    ),
  ),
  (
    "scores and exports",
    "#c6f6d5",
    (
      ("evaluators", "architecture → evaluation"),
      ("supernets", "networks that share weights"),
      ("serving", "SavedModels"),
    ),
  ),
  (
    "tasks and networks",
    "#fefcbf",
    (("tasks", "data, losses, scores"), ("networks", "what genotypes become")),
  ),
  (
    "strategies",
    "#fed7d7",
    (
      ("strategies", "ask / tell: NAO, evolution, random"),
      ("controller", "encoder, predictor, decoder, gradient step"),
    ),
  ),
  (
    "reports and training",
    "#e9d8fd",
    (
      ("reports", "the page about a search"),
      ("training", "trainers, optimizers, checkpoints"),
      ("tables", "architectures trained once"),
    ),
  ),
  (
    "records and spaces",
    "#feebc8",
    (
      ("runs", "journal, settings"),
      ("drawing", "cells as pictures"),
      ("spaces", "decisions, encodings, genotypes"),
    ),
  ),
  (
    "values",
    "#edf2f7",
    (
      ("objectives", "Pareto sets"),
      ("registries", "names → places"),
      ("trial", "Architecture, Evaluation, Trial"),
      ("fields", "checks of values"),
    ),
  ),
)
"""Rows of the picture from the top: a label, a color, and folders with what is in them."""

STEPS = {
  "tools": "1",
  "registries": "1",
  "searches": "2",
  "strategies": "3",
  "controller": "4",
  "runs": "5 10",
  "reports": "11",
  "evaluators": "6",
  "spaces": "7",
  "networks": "8",
  "tasks": "8",
  "training": "9",
  "serving": "12",
}
"""Which steps of a trial's journey, as docs/architecture.md numbers them, happen in a folder."""

WIDTH, LEFT, TOP, ROW, BOX, GAP = 980, 190, 56, 74, 58, 12
_FONT = "font-family='Helvetica, Arial, sans-serif'"


def main() -> None:
  """Writes the picture beside this file."""
  pathlib.Path(__file__).with_name("architecture.svg").write_text(picture(), encoding="utf-8")


def picture() -> str:
  """Returns the text of the picture."""
  body = [piece for i, row in enumerate(ROWS) for piece in _row(TOP + i * ROW, *row)]
  height = TOP + len(ROWS) * ROW + 12
  title = "Imports point down only. Numbers: the steps of one trial."
  head = (
    f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {height}' width='{WIDTH}' height='{height}'>"
    f"<title>The floors of nao_tf</title><rect width='100%' height='100%' fill='white'/>"
    f"{_text(LEFT, 34, title, 16, anchor='start', color='#2d3748')}{_arrow(height)}"
  )
  return "\n".join([head, *body, "</svg>", ""])


def _row(y: int, label: str, color: str, folders: tuple[tuple[str, str], ...]) -> list[str]:
  width = (WIDTH - LEFT - GAP * len(folders)) / len(folders)
  pieces = [_text(LEFT - 16, y + BOX / 2 + 5, label, 14, anchor="end", color="#4a5568")]
  for i, (name, about) in enumerate(folders):
    pieces += _box(LEFT + i * (width + GAP), y, width, color, name, about)
  return pieces


def _box(x: float, y: int, width: float, color: str, name: str, about: str) -> list[str]:
  edge = "#c53030" if name == "controller" else "#718096"
  steps = STEPS.get(name, "").split()
  return [
    f"<rect x='{x:.0f}' y='{y}' width='{width:.0f}' height='{BOX}' rx='6' fill='{color}' stroke='{edge}'"
    f" stroke-width='{2 if name == 'controller' else 1}'/>",
    _text(x + 12, y + 24, name, 16, anchor="start", weight="bold"),
    _text(x + 12, y + 44, about, 12, anchor="start", color="#2d3748"),
    *(_step(x + width - 16 - 26 * (len(steps) - 1 - i), y + 18, step) for i, step in enumerate(steps)),
  ]


def _step(x: float, y: float, number: str) -> str:
  return f"<circle cx='{x:.0f}' cy='{y}' r='11' fill='#2d3748'/>" + _text(x, y + 4, number, 12, color="white")


def _arrow(height: int) -> str:
  return (
    "<defs><marker id='head' markerWidth='10' markerHeight='8' refX='8' refY='4' orient='auto'>"
    "<path d='M0,0 L10,4 L0,8 z' fill='#718096'/></marker></defs>"
    f"<line x1='22' y1='{TOP}' x2='22' y2='{height - 28}' stroke='#718096' stroke-width='2' marker-end='url(#head)'/>"
  )


def _text(x: float, y: float, text: str, size: int, *, anchor="middle", weight="normal", color="black") -> str:
  return (
    f"<text x='{x:.0f}' y='{y:.0f}' {_FONT} font-size='{size}' font-weight='{weight}' text-anchor='{anchor}'"
    f" fill='{color}'>{html.escape(text)}</text>"
  )


if __name__ == "__main__":
  main()
