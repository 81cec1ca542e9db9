import importlib.metadata

from nao_tf.training.keras_version import IS_KERAS_3


def test_the_version_is_that_of_the_package():
  assert (importlib.metadata.version("keras").split(".")[0] == "3") == IS_KERAS_3
