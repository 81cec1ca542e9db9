import pytest

from nao_tf.networks.buildable import check_buildable, genotypes_for, is_buildable, sample_genotype
from nao_tf.networks.image_network_config import ImageNetworkConfig
from nao_tf.networks.language_model_config import LanguageModelConfig
from nao_tf.spaces import SPACES, make_space
from nao_tf.spaces.genotypes import IMAGE_GENOTYPES
from tests.support.toys import ToySpace


@pytest.mark.parametrize("name", [name for name in SPACES if name != "nasbench101"])
def test_the_spaces_of_this_package_have_networks_of_one_kind(name):
  space = make_space(name)
  kinds = [is_buildable(space, config) for config in (ImageNetworkConfig(), LanguageModelConfig())]
  assert kinds == ([False, True] if name.startswith("rnn") else [True, False])


def test_what_a_space_of_ones_own_decodes_into_may_be_no_network():
  assert isinstance(sample_genotype(ToySpace()), str)
  with pytest.raises(
    ValueError, match=r"architectures of mine:Toy are not networks .* a CellGenotype or .*, got a str"
  ):
    check_buildable(ToySpace(), ImageNetworkConfig(), name="mine:Toy")
  check_buildable(make_space("nasnet5"), ImageNetworkConfig(), name="nasnet5")


def test_an_unknown_configuration_builds_nothing():
  assert genotypes_for(object()) == () and genotypes_for(ImageNetworkConfig()) == IMAGE_GENOTYPES
  with pytest.raises(ValueError, match="the architectures of nasnet5 are not networks"):
    check_buildable(make_space("nasnet5"), object(), name="nasnet5")
