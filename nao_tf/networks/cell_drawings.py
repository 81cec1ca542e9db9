"""Draws the cells of networks that people name. Importing this module imports no TensorFlow."""

import os
from typing import Any

from nao_tf.drawing import Drawing, draw_genotype
from nao_tf.drawing.graphs import DrawableGenotype
from nao_tf.networks.named_genotypes import read_genotype
from nao_tf.runs.json_files import read_json


def draw(architecture: str | os.PathLike[str] | DrawableGenotype, *, space: str | None = None) -> Drawing:
  """Draws the cells of an architecture. A notebook shows what is returned; its `save` writes an SVG file.

      nao_tf.draw("NAONet-A").save("naonet_a.svg")
      nao_tf.draw(space.decode(trial.architecture))

  Normal and reduction cell stand side by side. Numbers are those of the genotype.

  Args:
    architecture: a published name such as "NAONet-A" or "DARTS-RNN-V2"; a genotype; the path of a JSON file, such as the
      best.json of a search; or a string of `space`.
    space: name of the search space of a string. None: that of nasnet5, nasnet11 and rnn12 which the string is in.

  Raises:
    ValueError: if the architecture is none of these, or its genotype cannot be drawn.
    OSError: if a file cannot be read.
  """
  if isinstance(architecture, str | os.PathLike):
    return draw_genotype(_read(os.fspath(architecture), space))
  return draw_genotype(architecture)


def _read(text: str, space: str | None) -> Any:
  """Returns the genotype that a text names; see `draw`."""
  record = read_json(text) if text.endswith(".json") else None
  if isinstance(record, dict) and isinstance(record.get("genotype"), str):  # Its genotype has no form in JSON.
    text, space = str(record.get("architecture")), space or str(record.get("space"))
  return read_genotype(text, space, place="the architecture")
