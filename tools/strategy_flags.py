"""Flags that several binaries share: the settings of each strategy.

A strategy may bring TensorFlow, so its module is imported only when its flags are defined or read.
"""

import importlib
import types
from typing import Any

from absl import flags

from nao_tf.controller.config import PRESETS as CONTROLLERS
from nao_tf.controller.config import ControllerConfig, make_config
from nao_tf.strategies.evolution import EvolutionConfig
from nao_tf.tools import flagging


def define(flag_values: flags.FlagValues, *, nao_preset: str = "default") -> None:
  """Defines the flags `--nao_...` and `--controller_...`, with presets for what they change, and `--evolution_...`."""
  nao = _nao()
  flags.DEFINE_enum(
    "nao_preset",
    nao_preset,
    sorted(nao.PRESETS),
    "settings of nao, which --nao_... flags change",
    flag_values=flag_values,
  )
  flagging.define(nao.NaoConfig(), flag_values, prefix="nao_", skip=["controller"], unset="what --nao_preset says")
  define_controller(flag_values, preset="nao_controller", default=None)
  flagging.define(EvolutionConfig(), flag_values, prefix="evolution_")


def define_controller(flag_values: flags.FlagValues, *, preset: str, default: str | None) -> None:
  """Defines a flag for a preset of the controller, and `--controller_...` for what is changed of it."""
  help_ = "settings of the controller, which --controller_... flags change" + (
    "" if default else "; default: nao's own"
  )
  flags.DEFINE_enum(preset, default, sorted(CONTROLLERS), help_, flag_values=flag_values)
  flagging.define(ControllerConfig(), flag_values, prefix="controller_", unset=f"what --{preset} says")


def controller(flag_values: flags.FlagValues, base: ControllerConfig) -> ControllerConfig:
  """Returns a configuration with the changes that the `--controller_...` flags make."""
  return flagging.build(base, flag_values, prefix="controller_")


def config(name: str, flag_values: flags.FlagValues) -> Any:
  """Returns the configuration of a strategy, a dataclass; None if it has none."""
  return _CONFIGS[name](flag_values) if name in _CONFIGS else None


def options(name: str, flag_values: flags.FlagValues) -> dict[str, Any]:
  """Returns what a strategy is made with beside its space and seed."""
  return {"config": config(name, flag_values)} if name in _CONFIGS else {}


def _nao_config(flag_values: flags.FlagValues) -> Any:
  preset, named = _nao().PRESETS[flag_values.nao_preset], flag_values.nao_controller
  base = make_config(named) if named else preset.controller
  return flagging.build(preset, flag_values, prefix="nao_", controller=controller(flag_values, base))


def _evolution_config(flag_values: flags.FlagValues) -> EvolutionConfig:
  return flagging.build(EvolutionConfig(), flag_values, prefix="evolution_")


def _nao() -> types.ModuleType:
  return importlib.import_module("nao_tf.strategies.nao")


_CONFIGS = {"nao": _nao_config, "evolution": _evolution_config}
