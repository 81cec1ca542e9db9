"""Which networks cells of NAS-Bench-201 are built into."""

import numpy as np
import pytest

from nao_tf.networks.edge_convention import check_network, check_networks
from nao_tf.networks.image_network_config import ImageNetworkConfig
from nao_tf.spaces import make_space
from nao_tf.spaces.published import CELLS

EDGES = make_space("nasbench201")


def test_the_flag_of_the_network_that_cannot_be_built_is_named():
  good, bad = ImageNetworkConfig(convention="nasbench201"), ImageNetworkConfig(convention="darts")
  check_networks(EDGES, [("--shared_convention", good), ("--child_convention", good)])
  with pytest.raises(ValueError, match="need --child_convention=nasbench201 .* got the convention darts"):
    check_networks(EDGES, [("--shared_convention", good), ("--child_convention", bad)])


def test_other_spaces_have_any_convention():
  check_networks(make_space("darts"), [("", ImageNetworkConfig(convention="nao"))])


def test_a_network_that_cannot_hold_a_cell_is_refused():
  genotype = EDGES.decode(EDGES.sample(np.random.default_rng(0)))
  check_network(genotype, ImageNetworkConfig(convention="nasbench201"))
  with pytest.raises(ValueError, match="need --convention=nasbench201"):
    check_network(genotype, ImageNetworkConfig())
  check_network(CELLS["NAONet-B"].genotype, ImageNetworkConfig())
