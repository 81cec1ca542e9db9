"""Reads genotypes from JSON files."""

from nao_tf.runs.json_files import read_json
from nao_tf.spaces.genotypes import Genotype, genotype_from_json


def read_genotype(path: str) -> Genotype:
  """Returns the genotype in a JSON file: what `to_json` of a genotype returned, or the `best.json` of a search.

  Raises:
    ValueError: if it is neither; the message names the file and what is wrong.
    OSError: if the file cannot be read.
  """
  data = read_json(path, allow_nan=True)
  try:
    return genotype_from_json(data.get("genotype", data) if isinstance(data, dict) else data)
  except ValueError as error:
    raise ValueError(f"{path}: {error}") from error
