import json

import pytest

from nao_tf.drawing import draw_genotype
from nao_tf.networks.cell_drawings import draw
from nao_tf.spaces import make_space
from nao_tf.spaces.published import CELLS, RECURRENT_CELLS

CELL = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|none~1|nor_conv_1x1~2|"


def test_a_name_a_string_a_genotype_and_a_file_give_the_same_picture(tmp_path):
  cell = CELLS["NAONet-WS"]
  path = tmp_path / "best.json"
  path.write_text(json.dumps({"genotype": cell.genotype.to_json()}))
  pictures = {draw(value).svg for value in ("NAONet-WS", cell.text, cell.genotype, path)}
  assert pictures == {draw_genotype(cell.genotype).svg}


def test_recurrent_cells_have_names_too():
  assert draw("DARTS-RNN-V2") == draw_genotype(RECURRENT_CELLS["DARTS-RNN-V2"].genotype)


def test_the_winner_of_a_search_on_a_benchmark_is_drawn(tmp_path):
  path, space = tmp_path / "best.json", make_space("nasbench201")
  genotype = space.decode(space.parse(CELL))
  path.write_text(json.dumps({"space": "nasbench201", "architecture": CELL, "genotype": str(genotype)}))
  assert draw(path) == draw(CELL, space="nasbench201") == draw_genotype(genotype)


def test_an_unknown_name_is_an_error():
  with pytest.raises(ValueError, match=r"did you mean NAONet-A"):
    draw("NAONet-a")
