"""Draws the cells of an architecture. Importing this module does not import TensorFlow."""

import os
from typing import Any

from nao_tf.drawing import Drawing, draw_genotype
from nao_tf.drawing.graphs import DrawableGenotype
from nao_tf.networks.named_genotypes import read_genotype
from nao_tf.runs.json_files import read_json


def draw(architecture: str | os.PathLike[str] | DrawableGenotype, *, space: str | None = None) -> Drawing:
  """Draws the cells of an architecture as an SVG image, which notebooks display.

      nao_tf.draw("NAONet-A").save("naonet_a.svg")
      nao_tf.draw(space.decode(trial.architecture))

  The normal and the reduction cell are drawn side by side. Nodes are numbered as in the genotype.

  Args:
    architecture: a genotype; the name of a published architecture, such as "NAONet-A" or "DARTS-RNN-V2"; the path of a
      JSON file, such as the best.json of a search; or an architecture string of `space`.
    space: name of the search space of an architecture string. None: whichever of nasnet5, nasnet11 and rnn12 it belongs
      to.

  Returns:
    A `Drawing`, whose `save` method writes an SVG file.

  Raises:
    ValueError: if the architecture is none of these, or its genotype cannot be drawn.
    OSError: if a file cannot be read.
  """
  if isinstance(architecture, str | os.PathLike):
    return draw_genotype(_read(os.fspath(architecture), space))
  return draw_genotype(architecture)


def _read(text: str, space: str | None) -> Any:
  """Returns the genotype given by a text; see `draw`."""
  record = read_json(text) if text.endswith(".json") else None
  if isinstance(record, dict) and isinstance(record.get("genotype"), str):  # Its genotype has no form in JSON.
    text, space = str(record.get("architecture")), space or str(record.get("space"))
  return read_genotype(text, space, place="the architecture")
