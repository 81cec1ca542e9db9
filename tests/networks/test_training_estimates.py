import dataclasses

import pytest

from nao_tf.networks.descriptions import describe
from nao_tf.networks.training_estimates import PEAK_FLOPS, TrainingEstimate, TrainingMemory, peak_of

NETWORK = describe("NAONet-WS", num_cells=5, filters=36)
ESTIMATE = TrainingEstimate(NETWORK, examples=50_000, epochs=630, steps_per_epoch=347)


def test_a_training_is_three_forward_passes_of_two_operations_for_each_multiply_add():
  assert ESTIMATE.steps == 218_610
  assert ESTIMATE.flops == 6 * NETWORK.multiply_adds_with_auxiliary * 50_000 * 630
  assert ESTIMATE.hours("V100", 1.0) == pytest.approx(ESTIMATE.flops / 15.7e12 / 3600)


def test_a_network_in_half_precision_has_another_peak_than_its_logits():
  half = dataclasses.replace(ESTIMATE, mixed_precision="float16")
  logits = 6.0 * NETWORK.parts[-2].multiply_adds * 50_000 * 630
  assert half.hours("V100", 1.0) == pytest.approx(((half.flops - logits) / 125e12 + logits / 15.7e12) / 3600)
  model = TrainingEstimate(describe("NAO-RNN"), 929_589, 4_000, 415, mixed_precision="bfloat16")
  single = dataclasses.replace(model, mixed_precision="none")
  words = 6.0 * 10_000 * 850 * 929_589 * 4_000 / 156e12 / 3600  # The softmax stays in single precision.
  assert model.hours("A100", 1.0) == pytest.approx(words + (single.hours("A100", 1.0) - words) / 2)


@pytest.mark.parametrize(
  ("accelerator", "mixed_precision", "peak"),
  [
    ("V100", "none", ("float32", 15.7e12)),
    ("V100", "bfloat16", ("float32", 15.7e12)),
    ("A100", "none", ("TF32", 156e12)),
    ("A100", "float16", ("float16", 312e12)),
    ("H100", "bfloat16", ("bfloat16", 989.4e12)),
  ],
)
def test_the_peak_is_that_of_the_type_that_is_multiplied_in(accelerator, mixed_precision, peak):
  assert peak_of(accelerator, mixed_precision) == peak


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
  assert parts.of_weights == "weights (2 copies), gradients, sums of gradients, optimizer state and averages"
  assert memory.largest_part(16_000_000 + 10 * 500_000) == 10 and memory.largest_part(0) == 0


def test_the_memory_of_the_weights_is_that_of_their_copies_and_of_the_optimizer():
  adam = TrainingMemory(1_000_000, 5e5, batch_size=128, num_slots=2)
  assert (adam.weight_bytes, adam.of_weights) == (
    20_000_000,
    "weights (2 copies), gradients and optimizer state (2 copies)",
  )
  text = TrainingMemory(1_000_000, 5e5, 20, num_slots=0, num_averages=1, is_flat=False, keeps_best=True)
  assert (text.weight_bytes, text.of_weights) == (16_000_000, "weights, gradients, averages and best weights")
  assert dataclasses.replace(ESTIMATE, num_slots=2).weight_bytes == 4 * 4 * 2_942_668
