"""Flags of searches with shared weights: the supernet, its training and how scores are taken."""

from typing import Any

from absl import flags

from nao_tf.supernets.config import SharingConfig
from nao_tf.tasks.base import Setup
from nao_tf.tools import experiment, flagging, search_flags

PREFIX = "shared_"


def define(flag_values: flags.FlagValues) -> None:
  """Defines the flags `--shared_...`."""
  experiment.define_setup_flags(flag_values, "child", prefix=PREFIX, unset="as for children")
  flagging.define(SharingConfig(), flag_values, prefix=PREFIX)


def setup(flag_values: flags.FlagValues) -> Setup:
  """Returns how the supernet is built and trained."""
  return experiment.setup_of(flag_values, search_flags.children(flag_values), prefix=PREFIX)


def sharing(flag_values: flags.FlagValues) -> SharingConfig:
  """Returns how weights are shared and made into scores."""
  return flagging.build(SharingConfig(), flag_values, prefix=PREFIX)


def settings(flag_values: flags.FlagValues) -> dict[str, Any]:
  """Returns what of all that determines the course of a search."""
  parts = setup(flag_values)
  return flagging.settings(sharing=sharing(flag_values), shared_network=parts.network, shared_training=parts.recipe)
