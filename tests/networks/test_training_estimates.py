import pytest

from nao_tf.networks.descriptions import describe
from nao_tf.networks.training_estimates import PEAK_FLOPS, TrainingEstimate, TrainingMemory

NETWORK = describe("NAONet-WS", num_cells=5, filters=36)
ESTIMATE = TrainingEstimate(NETWORK, examples=50_000, epochs=630, steps_per_epoch=347)


def test_a_training_is_three_forward_passes_of_two_operations_for_each_multiply_add():
  assert ESTIMATE.steps == 218_610
  assert ESTIMATE.flops == 6 * NETWORK.multiply_adds * 50_000 * 630
  assert ESTIMATE.hours("V100", 1.0) == pytest.approx(ESTIMATE.flops / 15.7e12 / 3600)


def test_weights_are_there_three_times_with_the_auxiliary_head():
  assert ESTIMATE.weight_bytes == 3 * 4 * 2_942_668


@pytest.mark.parametrize("name", PEAK_FLOPS)
def test_hours_fall_with_utilization_and_with_replicas(name):
  two = TrainingEstimate(NETWORK, 50_000, 630, 347, num_replicas=2)
  assert two.hours(name, 0.5) == pytest.approx(ESTIMATE.hours(name, 1.0))


@pytest.mark.parametrize("name, utilization", [("K80", 0.5), ("V100", 0.0), ("V100", float("nan"))])
def test_what_cannot_be_is_refused(name, utilization):
  with pytest.raises(ValueError, match=r"expected one of V100|above 0"):
    ESTIMATE.hours(name, utilization)


def test_the_memory_of_a_step_is_that_of_its_parts():
  memory = TrainingMemory(1_000_000, 5e5, batch_size=128)
  assert (memory.weight_bytes, memory.activation_bytes) == (16_000_000, 64e6)
  parts = TrainingMemory(1_000_000, 5e5, batch_size=128, accumulate_steps=4, num_averages=1)
  assert (parts.weight_bytes, parts.activation_bytes, parts.examples_at_once) == (24_000_000, 16e6, 32)
  assert memory.largest_part(16_000_000 + 10 * 500_000) == 10 and memory.largest_part(0) == 0
