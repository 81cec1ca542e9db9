"""Flags of searches with shared weights: the supernet, its training, and how architectures are scored."""

from typing import Any

from absl import flags

from nao_tf.supernets.config import SharingConfig
from nao_tf.tasks.base import Configs
from nao_tf.tools import experiment, flagging, one_shot_flags, search_flags

PREFIX = "shared_"


def define(flag_values: flags.FlagValues) -> None:
  """Defines the flags `--shared_...`."""
  experiment.define_config_flags(
    flag_values, "child", prefix=PREFIX, unset="as for candidates, or as in the one-shot --strategy"
  )
  flagging.define(SharingConfig(), flag_values, prefix=PREFIX)


def configs(flag_values: flags.FlagValues) -> Configs:
  """Returns how the supernet is built and trained."""
  one_shot = one_shot_flags.defaults(flag_values)
  defaults = one_shot.configs if one_shot else search_flags.children(flag_values)
  return experiment.configs_of(flag_values, defaults, prefix=PREFIX)


def sharing_config(flag_values: flags.FlagValues) -> SharingConfig:
  """Returns how weights are shared and made into scores."""
  return flagging.build(SharingConfig(), flag_values, prefix=PREFIX)


def settings(flag_values: flags.FlagValues) -> dict[str, Any]:
  """Returns the settings that determine the course of a search: the supernet, its training and the scores."""
  supernet = configs(flag_values)
  return flagging.settings(
    sharing=sharing_config(flag_values),
    shared_network=supernet.network_config,
    shared_training=supernet.training_config,
  )
