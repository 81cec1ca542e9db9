import dataclasses

import numpy as np
import pytest

from nao_tf.searches.memory_advice import out_of_memory, training_memory
from nao_tf.spaces import make_space
from nao_tf.tasks import make_task
from nao_tf.tasks.base import Configs
from tests.support import toy_text
from tests.support.image_cases import GENOTYPE, NETWORK, TRAINING

CONFIGS = Configs(NETWORK, TRAINING)


@pytest.fixture(scope="module")
def memory():
  return training_memory(make_task("digits"), GENOTYPE, CONFIGS, num_replicas=2)


def test_a_replica_has_its_share_of_the_batch(memory):
  assert memory.examples_at_once == TRAINING.batch_size // 2 and memory.bytes_per_example > 0


def test_the_batch_that_fits_is_named(memory):
  available = int(memory.weight_bytes + 10.5 * memory.bytes_per_example)
  text = out_of_memory(make_task("digits"), GENOTYPE, CONFIGS, num_replicas=2, available=available)
  assert "out of memory with batch_size=64 and accumulate_steps=1" in text
  assert text.endswith("use accumulate_steps=4 for the same update, or batch_size=20")


def test_the_numbers_of_the_optimizer_and_the_copies_of_the_weights_are_counted():
  def bytes_with(**changes):
    configs = Configs(NETWORK, dataclasses.replace(TRAINING, **changes))
    memory = training_memory(make_task("digits"), GENOTYPE, configs, num_replicas=1)
    return memory.weight_bytes / (4 * memory.num_weights)

  assert [bytes_with(optimizer=name) for name in ("SGD", "AdamW", "Adafactor")] == [4, 5, 3]
  assert bytes_with(optimizer="AdamW", accumulate_steps=2, average_weights="ema") == 7


@pytest.mark.parametrize(("available", "message"), [(10, "not even one image fits"), (10**12, "that should fit")])
def test_other_reasons_are_named(available, message):
  assert message in out_of_memory(make_task("digits"), GENOTYPE, CONFIGS, num_replicas=1, available=available)


@pytest.mark.parametrize("space", ["hierarchical", "nasbench201", "autokeras", "nas_rl"])
def test_networks_of_other_cells_have_an_estimate(space):
  space = make_space(space)
  genotype = space.decode(space.sample(np.random.default_rng(0)))
  convention = "nasbench201" if space.name == "nasbench201" else "nao"
  configs = Configs(dataclasses.replace(NETWORK, convention=convention), TRAINING)
  memory = training_memory(make_task("digits"), genotype, configs, num_replicas=1)
  assert memory is not None and memory.bytes_per_example > 0


def test_a_language_model_is_advised_by_streams():
  configs = Configs(toy_text.NETWORK, dataclasses.replace(toy_text.TRAINING, batch_size=8))
  task = toy_text.toy_task()
  memory = training_memory(task, toy_text.GENOTYPE, configs, num_replicas=2)
  assert memory.examples_at_once == 4 and memory.example == "stream"
  available = int(memory.weight_bytes + 2.5 * memory.bytes_per_example)
  text = out_of_memory(task, toy_text.GENOTYPE, configs, num_replicas=2, available=available)
  assert "and each stream" in text and text.endswith("use accumulate_steps=2 for the same update, or batch_size=4")


def test_half_precision_halves_what_the_cell_keeps():
  configs = [
    Configs(toy_text.NETWORK, dataclasses.replace(toy_text.TRAINING, mixed_precision=precision))
    for precision in ("none", "bfloat16")
  ]
  single, half = (training_memory(toy_text.toy_task(), toy_text.GENOTYPE, c, num_replicas=1) for c in configs)
  values = 3 * (len(toy_text.GENOTYPE.nodes) + 1) * toy_text.NETWORK.units
  longest = toy_text.TRAINING.segment_length + toy_text.TRAINING.max_extra_length
  assert single.bytes_per_example - half.bytes_per_example == 2 * values * longest
