"""What commands print is what the pages say: a block of text behind a block of bash is the output of its commands.

A line `...` on the page stands for any lines, and `…` in a line for any text.
"""

import importlib
import json
import pathlib
import re
import shlex

import pytest

from nao_tf.runs.journal import Journal
from nao_tf.searches.winner import write_winner
from nao_tf.spaces import make_space
from nao_tf.spaces.published import CELLS
from nao_tf.trial import RANDOM, Evaluation, Trial
from tests.docs import pages
from tests.support import toy_tables

_PAIR = re.compile(r"^```bash\n((?:(?!^```).*\n)+)```\n\n```text\n((?:(?!^```).*\n)+)```$", re.MULTILINE)
PAIRS = [
  pytest.param(*match.groups(), id=f"{pages.name_of(path)}-{number}")
  for path in pages.PAGES
  for number, match in enumerate(_PAIR.finditer(path.read_text(encoding="utf-8")))
  if match[1].startswith("nao-")
]
SPACE = make_space("nasnet5")
QUICK = {"/data/nasbench201_cifar10.npz": "table.npz", "--num_trials=60": "--num_trials=6 --strategy=random"}
"""What is changed in commands so that they take seconds. It changes nothing in what is shown of their output."""


def a_search(directory):
  """Makes the directory of a search that is finished."""
  cells = [CELLS[name].architecture for name in ("NAONet-B", "NAONet-WS")]
  trials = [Trial(n, cells[n % 2], RANDOM) for n in range(40)]
  closed = [t.close(Evaluation(0.9157 + t.id / 1000, 2.0) if t.id else Evaluation.failed("diverged")) for t in trials]
  with Journal(str(directory), {"space": "nasnet5"}) as journal:
    journal.append_asked(trials)
    for trial in closed:
      journal.append_closed(trial)
  (directory / "command.json").write_text(json.dumps({"command": "search", "flags": ["--num_trials=40"]}))
  write_winner(str(directory), closed[-1], SPACE)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
  """A directory with what the commands need."""
  directory = tmp_path_factory.mktemp("place")
  for name in ("quickstart", "digits"):
    (directory / "runs").mkdir(exist_ok=True)
    a_search(directory / "runs" / name)
  toy_tables.write_table(str(directory / "table.npz"), toy_tables.nasbench201_arrays())
  return directory


def lines_of(bash):
  return [line for line in re.sub(r" *\\\n\s*", " ", bash).splitlines() if line]


def run(command):
  """Runs a command in this process."""
  for old, new in QUICK.items():
    command = command.replace(old, new)
  words = shlex.split(command)
  values = pages.parsed(words)
  if "deterministic" in values:  # It holds for the whole process, and so for other tests.
    values.deterministic = False
  assert importlib.import_module(f"nao_tf.tools.{pages.tool_of(words)}").main(values) == 0


def pattern(expected):
  """Returns what the output must match."""
  parts = [
    "(?:.*\n)*" if line == "..." else re.escape(line).replace("…", ".*") + "\n" for line in expected.splitlines()
  ]
  return "".join(parts)


@pytest.mark.parametrize("bash, expected", PAIRS)
def test_a_command_prints_what_the_page_says(bash, expected, place, monkeypatch, capsys):
  monkeypatch.chdir(place)
  for command in lines_of(bash):
    run(command)
  printed = capsys.readouterr().out
  assert re.fullmatch(pattern(expected), printed), printed


def test_pages_show_the_output_of_their_main_commands():
  shown = {pages.tool_of(shlex.split(line)) for pair in PAIRS for line in lines_of(pair.values[0])}
  assert {"search", "status", "report", "describe", "draw"} <= shown


@pytest.mark.slow
def test_the_first_search_prints_what_the_page_says(tmp_path, monkeypatch, capsys):
  text = (pages.ROOT / "docs" / "guides" / "command_line.md").read_text(encoding="utf-8")
  [expected] = re.findall(r"^```text\n(work directory: runs/quickstart;.*?)^```", text, re.DOTALL | re.MULTILINE)
  monkeypatch.chdir(tmp_path)
  flagfile = pathlib.Path(pages.ROOT, "flags", "quickstart.flags")
  run(f"nao-search --flagfile={flagfile} --num_trials=1 --best_epochs=1 --best_filters=4 --workdir=runs/quickstart")
  printed = capsys.readouterr().out
  assert re.fullmatch(pattern(expected), printed), printed
