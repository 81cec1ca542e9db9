"""Draws the normal cell that a search has found.

Example:
  make search
  python docs/images/draw_cell.py runs/quickstart/best.json docs/images/found_cell.png
"""

import io
import json
import pathlib
import sys

import PIL.Image
import PIL.ImageOps

from nao_tf.runs.report import draw_genotype
from nao_tf.spaces.genotypes import genotype_from_json


def main(best: str, picture: str) -> None:
  """Draws the cell of a best.json, without the white around it; the name of the picture says the format."""
  genotype = genotype_from_json(json.loads(pathlib.Path(best).read_text(encoding="utf-8"))["genotype"])
  figure = next(iter(draw_genotype(genotype).values()))
  data = io.BytesIO()
  figure.savefig(data, dpi=110)
  image = PIL.Image.open(data).convert("RGB")
  image.crop(PIL.ImageOps.invert(image).getbbox()).save(picture)


if __name__ == "__main__":
  main(*sys.argv[1:])
