import numpy as np
import pytest

from nao_tf.reports.choices import choice_shares, label_of
from nao_tf.reports.record import Record
from nao_tf.spaces import make_space
from nao_tf.spaces.genotypes import CellGenotype
from nao_tf.trial import RANDOM, Evaluation, Trial
from tests.support.toys import ToySpace


def record(space, rewards):
  rng = np.random.default_rng(0)
  trials = [Trial(n, space.sample(rng), RANDOM, Evaluation(reward)) for n, reward in enumerate(rewards)]
  return Record("", {}, space, trials, [], [], {}, [], 0.0)


def test_shares_are_those_of_the_best_tenth_and_of_all():
  space = make_space("nasnet5")
  ten = record(space, [0.5] * 7 + [0.9] + [0.5] * 2)
  best = space.decode(ten.trials[7].architecture)
  assert isinstance(best, CellGenotype)
  chosen = [branch.operation for node in best.normal.nodes for branch in node]
  for name, of_best, of_all in choice_shares(ten)["operations of the normal cell"]:
    assert of_best == pytest.approx(chosen.count(name) / 10) and 0 <= of_all < 1


@pytest.mark.parametrize("name", ["nasnet5", "nasnet11", "rnn12", "nasbench101", "nasbench201"])
def test_names_of_operations_are_those_of_the_genotype(name):
  space = make_space(name)
  architecture = space.sample(np.random.default_rng(3))
  text = str(space.decode(architecture))
  labels = [label_of(space, position, choice) for position, choice in enumerate(architecture)]
  operations = [choice for kind, choice in labels if "operation" in kind or kind == "activations"]
  assert operations
  if name != "nasbench101":  # Its genotypes leave out vertices without a path.
    assert all(f"'{operation}'" in text for operation in operations)


def test_every_kind_adds_up_to_one():
  for space in (ToySpace(), make_space("rnn12"), make_space("nasbench101")):
    for rows in choice_shares(record(space, np.linspace(0, 1, 30).tolist())).values():
      assert sum(best for _, best, _ in rows) == pytest.approx(1) and sum(every for *_, every in rows) == pytest.approx(
        1
      )
