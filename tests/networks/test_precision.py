import pytest
from tensorflow import keras

from nao_tf.networks.image_network import image_network
from nao_tf.networks.language_model import language_model
from tests.support import image_cases, toy_text


@pytest.fixture
def set_precision():
  def set_precision(policy, floats):
    keras.backend.set_floatx(floats)
    keras.mixed_precision.set_global_policy(policy)

  yield set_precision
  set_precision("float32", "float32")


def build_image():
  return image_network(image_cases.GENOTYPE, image_cases.NETWORK, image_shape=(8, 8, 1))


def build_text():
  return language_model(toy_text.GENOTYPE, toy_text.NETWORK, vocabulary_size=10)


@pytest.mark.parametrize("build", [build_image, build_text])
@pytest.mark.parametrize(
  "policy, floats",
  [
    ("mixed_float16", "float32"),
    ("mixed_bfloat16", "float32"),
    ("float16", "float16"),
    ("float64", "float32"),
    ("float32", "float64"),
  ],
)
def test_other_precisions_are_refused(set_precision, build, policy, floats):
  set_precision(policy, floats)
  with pytest.raises(
    ValueError, match=f"expected the dtype policy and floatx .*policy {policy} and the floatx {floats}"
  ):
    build()


def test_only_image_networks_have_double_precision(set_precision):
  set_precision("float64", "float64")
  build_image()
  with pytest.raises(ValueError, match="to be float32, got"):
    build_text()
