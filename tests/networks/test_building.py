import pytest
import tensorflow as tf

from nao_tf.networks.building import BUILDERS, build_network, complete_network_config, num_inference_parameters
from nao_tf.networks.image_network import ImageNetwork, ImageNetworkConfig
from nao_tf.networks.language_model import LanguageModel, LanguageModelConfig
from nao_tf.networks.parameter_counts import num_parameters
from nao_tf.spaces.genotypes import CellGenotype, LstmGenotype
from tests.support import image_cases, toy_text

WITH_HEAD = ImageNetworkConfig(num_cells=1, filters=4)


def build(genotype, config, input_shape=(8, 8, 1), num_outputs=10):
  return build_network(genotype, config, input_shape=input_shape, num_outputs=num_outputs, seed=3)


@pytest.mark.parametrize(
  "genotype, config, kind",
  [
    (image_cases.GENOTYPE, image_cases.NETWORK, ImageNetwork),
    (toy_text.GENOTYPE, toy_text.NETWORK, LanguageModel),
    (LstmGenotype(), toy_text.NETWORK, LanguageModel),
  ],
)
def test_the_network_is_that_of_the_kind_of_genotype(genotype, config, kind):
  assert isinstance(build(genotype, config), kind)


def test_a_network_reads_and_gives_what_it_is_told():
  network = build(image_cases.GENOTYPE, image_cases.NETWORK, (12, 10, 2), 7)
  assert network(tf.zeros([1, 12, 10, 2])).shape == (1, 7)
  assert build(LstmGenotype(), toy_text.NETWORK, (), 23).vocabulary_size == 23


def test_another_genotype_or_configuration_is_refused():
  known = ", ".join(kind.__name__ for kind in BUILDERS)
  with pytest.raises(ValueError, match=f"no network is built from a str; expected one of {known}"):
    build("a genotype", image_cases.NETWORK)
  with pytest.raises(
    ValueError, match="the network of a CellGenotype needs a ImageNetworkConfig, got a LanguageModelC"
  ):
    build(image_cases.GENOTYPE, toy_text.NETWORK)
  assert CellGenotype in BUILDERS


def test_a_configuration_is_completed_but_not_overruled():
  complete = complete_network_config(ImageNetworkConfig(synchronized_norm=True), num_steps=40, num_replicas=1)
  assert (complete.drop_path_steps, complete.synchronized_norm) == (40, False)
  given = ImageNetworkConfig(drop_path_steps=30, synchronized_norm=True)
  assert complete_network_config(given, num_steps=40, num_replicas=2) == given
  assert complete_network_config(LanguageModelConfig(), num_steps=40, num_replicas=2) == LanguageModelConfig()


def test_the_auxiliary_head_does_not_count_in_inference():
  network = build(image_cases.GENOTYPE, WITH_HEAD)
  assert num_inference_parameters(network) == num_parameters(network.classifier) < num_parameters(network)
  language_model = build(toy_text.GENOTYPE, toy_text.NETWORK, (), 10)
  assert num_inference_parameters(language_model) == num_parameters(language_model)
