import json
import math
import re

import pytest

from nao_tf.runs.genotype_files import read_genotype
from nao_tf.spaces.published import CELLS, RECURRENT_CELLS

GENOTYPES = {"cells": CELLS["NAONet-A"].genotype, "recurrent": RECURRENT_CELLS["NAO-RNN"].genotype}


@pytest.mark.parametrize("genotype", GENOTYPES.values(), ids=GENOTYPES)
def test_a_genotype_and_the_winner_of_a_search_are_read(tmp_path, genotype):
  path = tmp_path / "genotype.json"
  for data in (genotype.to_json(), {"reward": 0.5, "genotype": genotype.to_json(), "metrics": {"loss": math.nan}}):
    path.write_text(json.dumps(data))
    assert read_genotype(str(path)) == genotype


@pytest.mark.parametrize(
  "text",
  [
    "",
    "[]",
    "3",
    "{}",
    '{"genotype": "GraphGenotype()"}',
    '{"genotype": {"recurrent": [[-1, "tanh"]]}}',
    '{"recurrent": [[0.7, "tanh"]]}',
    '{"recurrent": [[true, "tanh"]]}',
    '{"recurrent": [[99, "tanh"]]}',
    '{"recurrent": [[' + "9" * 400 + ', "tanh"]]}',
    '{"recurrent": [[1e999, "tanh"]]}',
    '{"recurrent": ' + "[" * 100_000,
  ],
  ids=range(12),
)
def test_what_is_no_genotype_is_refused_with_the_name_of_the_file(tmp_path, text):
  path = tmp_path / "genotype.json"
  path.write_text(text)
  with pytest.raises(ValueError, match=f"^{re.escape(str(path))}: "):
    read_genotype(str(path))
