"""What a table lacks is said with the flag to change, before a search begins."""

import pytest

from nao_tf.spaces import make_space
from nao_tf.tools import search, table_checks
from tests.support import toy_tables
from tests.support.command_line import parse, run


@pytest.fixture(scope="module")
def table(tmp_path_factory):
  return toy_tables.write_table(tmp_path_factory.mktemp("tables") / "t.npz", toy_tables.nasbench201_arrays())


def flags_of(table, space, *argv):
  return f"--space={space}", "--evaluator=tabular", f"--table={table}", *argv


def check(table, space, *argv):
  table_checks.check(parse(search, "--workdir=w", *flags_of(table, space, *argv)), make_space(space))


@pytest.mark.parametrize(
  ("space", "argv", "words"),
  [
    ("nasnet5", [], "--table=.*t.npz: is a table of nasbench201, but the space is nasnet5"),
    ("nasbench201", ["--rungs=7,8"], "--rungs=7,8: .*t.npz: expected rungs among .* got 7, 8"),
    ("nasbench201", ["--proxies=synflow"], "--proxies: synflow is computed on networks, and a table has none"),
    ("nasbench201", ["--proxies=multiply_adds"], "--proxies: .*t.npz has no macs, which the proxy multiply_adds needs"),
  ],
)
def test_what_a_table_lacks_is_said_with_the_flag(table, space, argv, words):
  with pytest.raises(ValueError, match=words):
    check(table, space, *argv)


def test_a_table_that_has_it_all_is_fine_and_other_evaluators_have_none(table):
  check(table, "nasbench201", "--proxies=parameters")
  table_checks.check(parse(search, "--workdir=w", "--space=nasnet5"), make_space("nasnet5"))


def test_a_search_is_refused_before_it_is_announced(table, tmp_path, capsys):
  argv = ["--strategy=random", f"--workdir={tmp_path}/run"]
  for more in (["--rungs=7,8"], ["--objectives=accuracy,f1:max"]):
    with pytest.raises(ValueError, match=more[0].partition("=")[0]):
      run(search, *flags_of(table, "nasbench201", *argv, *more))
  assert "work directory" not in capsys.readouterr().out and not (tmp_path / "run").exists()
