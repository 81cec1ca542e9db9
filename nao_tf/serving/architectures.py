"""What plain Keras models are asked for: the genotype that an argument names, and whether weights are those of it."""

import os
from collections.abc import Iterable
from typing import Any

from nao_tf import fields
from nao_tf.networks.named_genotypes import NAMED, read_genotype
from nao_tf.serving.trained_networks import TrainedNetwork
from nao_tf.spaces.genotypes import IMAGE_GENOTYPES, Genotype, LstmGenotype, RecurrentGenotype
from nao_tf.spaces.published import CELLS

_LONGEST_SHOWN = 60
"""Characters of a genotype in a message."""


def genotype_of(architecture: str | os.PathLike[str] | Genotype, space: str | None) -> Genotype:
  """Returns the genotype that an argument names.

  Args:
    architecture: a published name, a genotype, the path of a JSON file or a string of a space.
    space: name of that space; None: that of nasnet5, nasnet11 and rnn12 which the string is in.

  Raises:
    ValueError: if it is none of these.
    OSError: if a file cannot be read.
  """
  if isinstance(architecture, (*IMAGE_GENOTYPES, RecurrentGenotype, LstmGenotype)):
    return architecture
  if not isinstance(architecture, (str, os.PathLike)):
    raise ValueError(
      "architecture must be a published name, the path of a JSON file, a string of a space or a genotype, got"
      f" {fields.shown(architecture)}"
    )
  text = os.fspath(architecture)
  return read_genotype(text, space, place=repr(text))


def published_convention(architecture: Any) -> str | None:
  """Returns the convention of a published image network that is given by its name; None for all others."""
  known = isinstance(architecture, str) and architecture in CELLS
  return CELLS[str(architecture)].convention if known else None


def model_name(architecture: Any, default: str) -> str:
  """Returns the name of a published network that is given by its name, otherwise the default."""
  return architecture if isinstance(architecture, str) and architecture in NAMED else default


def check_architecture(trained: TrainedNetwork, genotype: Genotype) -> None:
  """Checks that weights are those of an architecture.

  Raises:
    ValueError: if a training was of another one.
  """
  if trained.genotype != genotype:
    raise ValueError(
      f"weights={trained.directory}: were trained for another architecture, {_shown(trained.genotype)}, got"
      f" {_shown(genotype)}"
    )


def check_equal(trained: TrainedNetwork, values: Iterable[tuple[str, Any, Any]]) -> None:
  """Checks what was given beside an architecture.

  Args:
    trained: where the weights are from.
    values: for each argument its name, what was given, and what the training recorded.

  Raises:
    ValueError: if something else was given.
  """
  for name, given, recorded in values:
    if given != recorded:
      raise ValueError(f"weights={trained.directory}: were trained with {name} {recorded!r}, got {given!r}")


def _shown(genotype: Genotype) -> str:
  """Returns the published name of a genotype, or the beginning of its JSON form."""
  names = [name for name, network in NAMED.items() if network.genotype == genotype]
  if names:
    return names[0]
  text = str(genotype.to_json())
  return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."
