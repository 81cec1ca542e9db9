"""Checks of `nao-search` that the networks of a search space can be built with the given flags."""

from typing import Any

from absl import flags

from nao_tf.evaluators import declared_settings
from nao_tf.networks.edge_convention import check_networks
from nao_tf.spaces import make_space
from nao_tf.tools import one_shot_flags, search_flags, shared_flags, winners


def check(flag_values: flags.FlagValues) -> None:
  """Checks that the networks that a search trains can be built.

  Raises:
    ValueError: if some cannot; the message names the flag.
  """
  networks = _networks(flag_values)
  if networks:
    check_networks(make_space(flag_values.space), networks)
  check_space = getattr(declared_settings(flag_values.evaluator), "check_space", None)
  if check_space is not None:
    check_space(make_space(flag_values.space), f"--evaluator={flag_values.evaluator}")


def _networks(flag_values: flags.FlagValues) -> list[tuple[str, Any]]:
  """Returns the flag that sets the convention of each network that a search trains, and its configuration."""
  children = [("--child_convention", search_flags.children(flag_values).network_config)]
  if winners.are_trained(flag_values):
    children.append(("--best_convention", winners.winner_of(flag_values).network_config))
  if one_shot_flags.chosen(flag_values) is not None or flag_values.evaluator == "shared_weights":
    return [(f"--{shared_flags.PREFIX}convention", shared_flags.configs(flag_values).network_config), *children]
  return children if flag_values.evaluator in ("training", "inherited") else []
