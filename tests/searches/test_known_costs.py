"""What networks cost before they are trained, and which objectives a search can have."""

import numpy as np
import pytest

from nao_tf.networks.cost_bounds import genotype_describer
from nao_tf.networks.image_network_config import ImageNetworkConfig
from nao_tf.searches import known_costs
from nao_tf.spaces import make_space
from nao_tf.tables import read_table
from nao_tf.tasks.traits import DIGITS
from tests.support import toy_tables
from tests.support.toys import ToySpace

SPACE, CONFIG = make_space("nasnet5"), ImageNetworkConfig(num_cells=1, filters=4)


class Digits:
  """What is asked of a task before its data is read."""

  name, kind, input_shape, num_outputs = "digits", DIGITS.kind, (8, 8, 1), 10


def test_the_costs_of_networks_are_those_of_their_descriptions():
  known = known_costs.known_of_networks(SPACE, CONFIG, Digits)
  architecture = SPACE.sample(np.random.default_rng(0))
  described = genotype_describer(CONFIG, (8, 8, 1), 10)(SPACE.decode(architecture))
  assert known["parameters"](architecture) == described.parameters
  assert known["multiply_adds"](architecture) == described.multiply_adds


def test_of_other_networks_nothing_is_known():
  assert known_costs.known_of_networks(ToySpace(), CONFIG, Digits) == {}


def test_a_table_knows_its_counts(tmp_path):
  table = read_table(toy_tables.write_table(tmp_path / "t.npz", toy_tables.nasbench201_arrays()))
  known = known_costs.known_of_table(table)
  assert list(known) == ["parameters"] and known["parameters"](table.architecture_of(7)) == 1007.0


def test_an_unknown_cost_is_refused_with_what_there_is():
  with pytest.raises(
    ValueError, match="objective 'multiply_adds': networks for the task digits have reward, accuracy, loss"
  ):
    known_costs.sought(["accuracy", "multiply_adds"], {}, "training", Digits)
  assert known_costs.sought(["accuracy", "multiply_adds"], {}, "my.place:Evaluator", None).names[1] == "multiply_adds"
  assert known_costs.sought([], {}, "training", Digits) is None


def test_latency_has_a_batch_on_record():
  objectives = known_costs.sought(["accuracy", "latency"], {}, "training", Digits)
  recorded = known_costs.settings_of(objectives, 4)
  assert recorded == {"objectives": ["accuracy:max", "latency:min"], "latency_batch_size": 4}
  assert known_costs.settings_of(None, 4) == {}


@pytest.mark.parametrize(
  ("names", "kind", "words"),
  [
    (["accuracy", "perplexity"], "images", "perplexity: networks for images are measured in accuracy and loss"),
    (["accuracy", "loss"], "text", "accuracy: networks for text are measured in loss and perplexity"),
  ],
)
def test_a_kind_of_tasks_has_measures_of_its_own(names, kind, words):
  with pytest.raises(ValueError, match=words):
    known_costs.check_kind(names, "training", kind)
  known_costs.check_kind(names, "my.place:Evaluator", kind)
