"""The one entry to all commands."""

import pathlib
import runpy
import unittest.mock

import pytest

from nao_tf.tools import choices, nao
from nao_tf.tools.search_flags import SPACES, STRATEGIES
from tests.tools.test_parsing import TOOLS

SETUP = pathlib.Path(__file__).parents[2] / "setup.py"


def outcome(argv, monkeypatch, capsys):
  """Returns the exit status of `nao` with arguments, and what it printed."""
  monkeypatch.setattr("sys.argv", ["nao", *argv])
  with pytest.raises(SystemExit) as end:
    nao.cli()
  return end.value.code, capsys.readouterr()


def test_it_knows_every_command_and_so_does_the_installation():
  assert sorted(nao.COMMANDS) == sorted(TOOLS)
  with unittest.mock.patch("setuptools.setup") as setup:
    runpy.run_path(str(SETUP))
  scripts = setup.call_args.kwargs["entry_points"]["console_scripts"]
  assert {f"nao-{nao.command_name(name)}=nao_tf.tools.{name}:cli" for name in nao.COMMANDS} <= set(scripts)


@pytest.mark.parametrize("argv", [[], ["--help"], ["-h"]])
def test_the_help_has_a_line_about_every_command(argv, monkeypatch, capsys):
  status, printed = outcome(argv, monkeypatch, capsys)
  assert status == 0
  assert all(
    f"  {nao.command_name(name)} " in printed.out and nao.summary(name) in printed.out for name in nao.COMMANDS
  )


def test_an_unknown_command_is_refused_with_those_there_are(monkeypatch, capsys):
  status, printed = outcome(["trian"], monkeypatch, capsys)
  assert status == 1 and "unknown command 'trian'; expected one of search, train," in printed.err
  assert printed.err.endswith("did you mean train?\n")


@pytest.mark.parametrize("name", [*SPACES, *STRATEGIES])
def test_the_help_has_a_line_about_every_choice(name):
  assert choices.choices_of("space" if name in SPACES else "strategy")[name]


def test_a_choice_without_a_line_has_the_first_one_of_its_module(monkeypatch):
  monkeypatch.setattr(choices, "CHOICES", {})
  assert choices.choices_of("strategies")["local_search"].startswith("Local search with restarts")
