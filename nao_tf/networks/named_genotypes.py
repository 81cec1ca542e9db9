"""Reads genotypes given by a user: the name of a published architecture, a JSON file, or an architecture string."""

import difflib
from collections.abc import Mapping
from typing import Protocol

from nao_tf import fields
from nao_tf.runs.genotype_files import read_genotype as read_genotype_file
from nao_tf.spaces import make_space
from nao_tf.spaces.genotypes import Genotype
from nao_tf.spaces.published import BASELINES, CELLS, RECURRENT_CELLS

_SPACES = ("nasnet5", "nasnet11", "rnn12")
"""Where a string is looked for whose space is not given. No string is in two of them."""


class NamedNetwork(Protocol):
  """A published network with a name."""

  @property
  def genotype(self) -> Genotype:
    """The genotype of the network."""


NAMED: Mapping[str, NamedNetwork] = {**CELLS, **RECURRENT_CELLS, **BASELINES}


def read_genotype(text: str, space: str | None = None, *, place: str = "network") -> Genotype:
  """Returns the genotype given by a text.

  Args:
    text: the name of a published architecture, an architecture string, or the path of a JSON file, which contains a
      genotype or is the best.json of a search.
    space: name of the search space of an architecture string; None: whichever of nasnet5, nasnet11 and rnn12 it belongs
      to.
    place: where the text is from, such as a flag, for error messages.

  Raises:
    ValueError: if the text is none of these.
    OSError: if the file cannot be read.
  """
  if text in NAMED:
    return NAMED[text].genotype
  if text.endswith(".json"):
    return read_genotype_file(text)
  spaces = _SPACES if space is None else (space,)
  found = {name: _parsed(text, name) for name in spaces}
  genotypes = [result for result in found.values() if not isinstance(result, ValueError)]
  if not genotypes:
    described = (
      f"{place} is not a published name ({_suggestion(text)}), not the path of a .json file and not a string of"
    )
    reasons = _reasons(text, found)
    got = "" if repr(text) == place or fields.shown(text) in reasons else f"; got {fields.shown(text)}"
    raise ValueError(f"{described} {', '.join(spaces)}{reasons}{got}")
  return genotypes[0]


def _reasons(text: str, found: Mapping[str, Genotype | ValueError]) -> str:
  """Returns why a text is not a string of some spaces; nothing of a single word without digits apart, which is a name."""
  is_name = len(text.split()) == 1 and not text[:1].isdigit() and len(found) > 1
  return "" if is_name else f": {'; '.join(str(error) for error in found.values())}"


def _suggestion(text: str) -> str:
  """Returns the published names that are nearest to a text; all of them if none is near."""
  names = {name.lower(): name for name in NAMED}
  near = difflib.get_close_matches(text.lower(), names)
  return f"did you mean {', '.join(names[name] for name in near)}?" if near else f"known are {', '.join(NAMED)}"


def _parsed(text: str, name: str) -> Genotype | ValueError:
  """Returns the genotype of a string of a space, or what is wrong with it."""
  space = make_space(name)
  try:
    genotype: Genotype = space.decode(space.parse(text))
  except ValueError as error:
    return error
  return genotype
