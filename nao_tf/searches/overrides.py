"""Overrides of configuration fields by name, as given by a user."""

import dataclasses
import difflib
from collections.abc import Mapping
from typing import Any

import numpy as np

from nao_tf.supernets.config import OF_ROUNDS, SharingConfig
from nao_tf.tasks.base import Configs

_COMPUTED = ("drop_path_steps",)
"""Fields that follow from others."""


def overridden(configs: Configs, overrides: Mapping[str, Any]) -> Configs:
  """Returns configurations with some fields overridden.

  Args:
    configs: how networks are built and trained.
    overrides: values, by the name of a field of either configuration.

  Raises:
    ValueError: if there is no such field, or a value is invalid.
  """
  parts = (configs.network_config, configs.training_config)
  known = [[f.name for f in dataclasses.fields(part) if f.name not in _COMPUTED] for part in parts]
  for name in overrides:
    _check_known(name, [field for fields in known for field in fields])
  network, training = (
    _replaced(part, {name: value for name, value in overrides.items() if name in fields})
    for part, fields in zip(parts, known)
  )
  return Configs(network, training)


def prefixed_settings(config: Any, prefix: str, overrides: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
  """Returns a configuration with other values in some fields, and the overrides that are not for it.

  Args:
    config: a dataclass.
    prefix: what the names of its fields have in front, with an underscore between.
    overrides: values by name, those of other configurations among them.

  Raises:
    ValueError: if a name has the prefix but no such field follows, or a value is not one for its field.
  """
  start = f"{prefix}_"
  own = {name.removeprefix(start): value for name, value in overrides.items() if name.startswith(start)}
  known = [field.name for field in dataclasses.fields(config)]
  unknown = [start + name for name in own if name not in known]
  if unknown:
    expected = ", ".join(start + name for name in sorted(known))
    raise ValueError(f"unknown setting {', '.join(map(repr, unknown))}; expected one of {expected}")
  rest = {name: value for name, value in overrides.items() if not name.startswith(start)}
  return _replaced(config, own), rest


def sharing_settings(overrides: Mapping[str, Any], *, in_rounds: bool) -> tuple[SharingConfig, dict[str, Any]]:
  """Returns how weights are shared, and the overrides that are not about it.

  Args:
    overrides: values by name. Those about the sharing of weights have the names of their flags, such as `shared_score`.
    in_rounds: whether the shared weights are trained in rounds, on a pool of architectures.

  Raises:
    ValueError: if there is no such setting, or a value is not one for it.
  """
  names = {f"shared_{name}" for name in OF_ROUNDS}
  foreign = [] if in_rounds else sorted(names & set(overrides))
  if foreign:
    raise ValueError(f"{', '.join(foreign)}: a search that samples a path per step has no rounds and no pool")
  return prefixed_settings(SharingConfig(), "shared", overrides)


def _check_known(name: str, known: list[str]) -> None:
  if name not in known:
    similar = difflib.get_close_matches(name, known, n=1)
    meant = f"did you mean {similar[0]}?" if similar else f"expected one of {', '.join(sorted(known))}"
    raise ValueError(f"unknown setting {name!r}; {meant}")


def _replaced(config: Any, values: Mapping[str, Any]) -> Any:
  """Returns a configuration with other values; numbers of NumPy become plain ones, which a journal can record."""
  plain = {name: value.item() if isinstance(value, np.generic) else value for name, value in values.items()}
  return dataclasses.replace(config, **plain)
