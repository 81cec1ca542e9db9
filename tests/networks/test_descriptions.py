"""Descriptions of networks that are not built."""

import dataclasses
import json

import pytest

import nao_tf
from nao_tf.networks.image_network_config import ImageNetworkConfig
from nao_tf.networks.language_model_config import LanguageModelConfig
from nao_tf.spaces.published import CELLS

NET = nao_tf.describe("NAONet-B", num_cells=5)


def test_the_totals_are_those_of_the_parts():
  assert (NET.parameters, NET.parameters_with_auxiliary) == (2_492_902, 2_950_896)
  assert NET.multiply_adds == sum(part.multiply_adds for part in NET.parts) == 395_426_016
  assert NET.activation_bytes == max(part.activation_bytes for part in NET.parts)
  assert [part.name for part in NET.parts] == [
    "stem",
    *(f"cell {i}{' (reduction)' if i in (5, 11) else ''}" for i in range(17)),
    "classifier",
    "auxiliary head",
  ]


def test_a_name_a_string_and_a_genotype_are_the_same_network():
  cell = CELLS["NAONet-B"]
  for network in (cell.text, cell.genotype):
    assert nao_tf.describe(network, num_cells=5, convention="torch").parts == NET.parts


def test_a_published_name_brings_its_convention():
  assert nao_tf.describe("NAONet-B", num_cells=5, convention="torch") == NET
  assert nao_tf.describe("NAONet-B", num_cells=5, convention="nao") != NET
  assert nao_tf.describe("NAONet-B", ImageNetworkConfig(5, convention="torch")) == NET


def test_a_configuration_and_sizes_may_be_given_together():
  config = ImageNetworkConfig(5, convention="torch", auxiliary=False)
  small = nao_tf.describe("NAONet-B", config, filters=8, num_classes=7, input_shape=(20, 20, 1))
  assert (
    small.parts
    == nao_tf.describe("NAONet-B", dataclasses.replace(config, filters=8), num_classes=7, input_shape=[20, 20, 1]).parts
  )
  assert small.parameters == small.parameters_with_auxiliary
  assert small.parts[-1].output_shape == (7,)


def test_a_language_model_is_described_for_a_token():
  model = nao_tf.describe("NAO-RNN")
  assert (model.parameters, model.example) == (27_295_000, "token")
  assert nao_tf.describe("lstm", LanguageModelConfig(units=5), vocabulary_size=7).parts[1].parameters == 220


def test_it_is_printed_as_a_table():
  lines = str(NET).splitlines()
  assert lines[0] == "NAONet-B: 5 cells per stage, 36 filters, convention torch, 32x32x3 images"
  assert lines[1].split("  ")[0] == "part" and lines[-2].split() == ["total", "2,492,902", "395,426,016", "1,622.0"]
  assert lines[-1] == "in training, the auxiliary head adds 457,994 parameters"
  assert len({len(line) for line in lines[1:-1]}) == 1


def test_it_is_json():
  data = json.loads(NET.to_json())
  assert data == NET.as_dict()
  assert data["parameters"] == NET.parameters and len(data["parts"]) == len(NET.parts)
  assert data["parts"][0] == {
    "name": "stem",
    "output_shape": [32, 32, 108],
    "parameters": 3132,
    "multiply_adds": 2_985_984,
    "activation_bytes": 454_656,
  }


WRONG = [
  (("NAONet-Z",), {}, "network is not a published name"),
  (("NAONet-B",), {"num_cell": 3}, "an image network has no 'num_cell'; it has num_cells, filters"),
  (("NAONet-B",), {"filters": "36"}, "expected an integer for 'filters', got '36'"),
  (("NAONet-B",), {"filters": 0}, "filters must be at least 1, got 0"),
  (("NAONet-B",), {"convention": "keras"}, "convention must be one of nao"),
  (("NAONet-B",), {"num_classes": 0}, "expected an integer of at least 1 for 'num_classes', got 0"),
  (("NAONet-B",), {"input_shape": (32, 32)}, "expected a list of 3 for 'input_shape'"),
  (("NAONet-B",), {"input_shape": (32, 0, 3)}, "for 'input_shape.1.', got 0"),
  (("NAONet-B",), {"vocabulary_size": 5}, "an image network has no vocabulary_size, got 5"),
  (("NAO-RNN",), {"num_classes": 5}, "a language model has no num_classes, got 5"),
  (("NAONet-B", LanguageModelConfig()), {}, "network_config: expected a ImageNetworkConfig, got a LanguageModelConfig"),
  ((("conv", 3),), {}, "no network is built from a tuple"),
]


@pytest.mark.parametrize(("arguments", "options", "message"), WRONG)
def test_wrong_arguments_are_named(arguments, options, message):
  with pytest.raises(ValueError, match=message):
    nao_tf.describe(*arguments, **options)
