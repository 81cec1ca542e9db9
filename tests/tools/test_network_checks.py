"""What `nao-search` refuses to build, before any data is read."""

import pytest

from nao_tf.tools import search
from tests.support.command_line import parse

GOOD = ("--child_convention=nasbench201", "--shared_convention=nasbench201")


def check(*argv):
  search.check(parse(search, "--workdir=w", "--space=nasbench201", *argv))


@pytest.mark.parametrize(
  ("argv", "flag"),
  [
    (["--strategy=random"], "child"),
    (["--strategy=darts"], "shared"),
    (["--strategy=darts", GOOD[1]], "child"),
    (["--evaluator=shared_weights"], "shared"),
    (["--train_best", GOOD[0], "--best_convention=nao"], "best"),
    (["--export_pareto=e", "--objectives=accuracy,parameters", GOOD[0], "--best_convention=nao"], "best"),
  ],
)
def test_networks_that_cannot_hold_the_cells_are_refused_by_the_flag(argv, flag):
  with pytest.raises(ValueError, match=f"need --{flag}_convention=nasbench201"):
    check(*argv)


@pytest.mark.parametrize("kind", ["--strategy=random", "--strategy=darts", "--evaluator=shared_weights"])
def test_networks_with_the_convention_are_not(kind):
  check(kind, *(GOOD if kind != "--strategy=random" else GOOD[:1]))


def test_a_table_needs_no_networks():
  check("--evaluator=tabular", f"--table={__file__}")


def test_weights_are_inherited_by_plain_networks_alone():
  with pytest.raises(ValueError, match="--evaluator=inherited: only networks of plain layers .* nasnet5 has a Cell"):
    search.check(parse(search, "--workdir=w", "--space=nasnet5", "--evaluator=inherited"))
  search.check(parse(search, "--workdir=w", "--space=autokeras", "--evaluator=inherited"))


class OfOneSpace:
  """An evaluator of one's own, for one space."""

  @classmethod
  def from_context(cls, context):
    return cls()

  @staticmethod
  def check_space(space, setting):
    if space.name != "nasnet5":
      raise ValueError(f"{setting}: expected the space nasnet5, got {space.name}")


def test_an_evaluator_of_ones_own_says_which_spaces_it_cannot_evaluate():
  place = "tests.tools.test_network_checks:OfOneSpace"
  with pytest.raises(ValueError, match=f"--evaluator={place}: expected the space nasnet5, got nasnet11"):
    search.check(parse(search, "--workdir=w", "--space=nasnet11", f"--evaluator={place}"))
  search.check(parse(search, "--workdir=w", "--space=nasnet5", f"--evaluator={place}"))
