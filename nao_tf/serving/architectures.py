"""Resolves the architecture argument of plain Keras models, and checks that weights belong to it."""

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
  """Returns the genotype for an architecture argument.

  Args:
    architecture: the name of a published architecture, a genotype, the path of a JSON file, or an architecture string.
    space: name of the search space of an architecture string; None: whichever of nasnet5, nasnet11 and rnn12 it belongs
      to.

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
  """Checks that trained weights belong to an architecture.

  Raises:
    ValueError: if another architecture was trained.
  """
  if trained.genotype != genotype:
    raise ValueError(
      f"weights={trained.directory}: were trained for another architecture, {_shown(trained.genotype)}, got"
      f" {_shown(genotype)}"
    )


def check_equal(trained: TrainedNetwork, values: Iterable[tuple[str, Any, Any]]) -> None:
  """Checks that arguments agree with the training of the weights.

  Args:
    trained: the trained network.
    values: for each argument its name, the given value, and the recorded value.

  Raises:
    ValueError: if a given value differs.
  """
  for name, given, recorded in values:
    if given != recorded:
      raise ValueError(f"weights={trained.directory}: were trained with {name} {recorded!r}, got {given!r}")


def _shown(genotype: Genotype) -> str:
  """Returns the published name of a genotype, or the beginning of its JSON form."""
  names = [name for name, network in NAMED.items() if network.genotype == genotype]
  if names:
    return names[0]
  return fields.shortened(str(genotype.to_json()), _LONGEST_SHOWN)
