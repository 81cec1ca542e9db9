import io

import numpy as np
import PIL.Image
import pytest

from nao_tf.drawing import draw_png
from nao_tf.spaces import make_space


@pytest.mark.parametrize("name", ["nasnet5", "rnn12", "nasbench101"])
def test_cells_are_drawn_as_pixels(name):
  space = make_space(name)
  genotype = space.decode(space.sample(np.random.default_rng(0)))
  data, width, height = draw_png(genotype, title="trial 3: 50% of $x^$ <&>")
  picture = PIL.Image.open(io.BytesIO(data)).convert("RGB")
  assert picture.size == (width, height)
  assert picture.getpixel((0, 0)) == (255, 255, 255) and len(picture.getcolors(2**20)) > 20
  assert draw_png(genotype, title="trial 3: 50% of $x^$ <&>")[0] == data


def test_what_is_no_cell_is_refused():
  with pytest.raises(ValueError, match="expected a genotype to draw"):
    draw_png("text")
