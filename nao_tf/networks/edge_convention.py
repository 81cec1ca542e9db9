"""Requirements of networks of NAS-Bench-201 cells. Does not import TensorFlow."""

from collections.abc import Iterable
from typing import Any

from nao_tf.networks.image_network_config import ImageNetworkConfig
from nao_tf.spaces.base import SearchSpace
from nao_tf.spaces.edge_genotypes import EdgeGenotype
from nao_tf.spaces.nasbench201 import Nasbench201Space

CONVENTION = "nasbench201"
"""The convention that networks of such cells need."""

LAYER_NAMES = {
  "none": "zero",
  "skip_connect": "identity",
  "nor_conv_1x1": "conv1x1",
  "nor_conv_3x3": "conv3x3",
  "avg_pool_3x3": "avg3x3",
}
"""Keys of `nao_tf.networks.operations.OPERATIONS` by the benchmark's names."""


def check_edge_convention(convention: str, stem: str, setting: str = "--convention") -> None:
  """Checks that cells of edges can stand in a network.

  Args:
    convention: convention of the network.
    stem: stem of the network.
    setting: what sets the convention, for the message.

  Raises:
    ValueError: if the network has another convention, or a stem for large images.
  """
  if convention != CONVENTION or stem != "cifar":
    raise ValueError(
      f"networks of cells of NAS-Bench-201 need {setting}={CONVENTION} and the stem cifar, got the convention {convention}"
      f" and the stem {stem}"
    )


def check_network(genotype: Any, config: Any) -> None:
  """Checks that the network of a genotype can be built with a configuration, as far as the convention matters.

  Raises:
    ValueError: if it cannot.
  """
  if isinstance(genotype, EdgeGenotype) and isinstance(config, ImageNetworkConfig):
    check_edge_convention(config.convention, config.stem)


def settings_for_space(space: SearchSpace) -> dict[str, Any]:
  """Returns the settings of networks that a space needs, for a search that does not say otherwise."""
  return {"convention": CONVENTION} if isinstance(space, Nasbench201Space) else {}


def check_networks(space: SearchSpace, networks: Iterable[tuple[str, Any]]) -> None:
  """Checks that the architectures of a space can be built with some configurations.

  Args:
    space: space of the architectures.
    networks: what sets the convention of each configuration, such as "--child_convention", and the configuration.

  Raises:
    ValueError: if one cannot be used; the message names the setting.
  """
  if not isinstance(space, Nasbench201Space):
    return
  for setting, config in networks:
    if isinstance(config, ImageNetworkConfig):
      check_edge_convention(config.convention, config.stem, setting)
