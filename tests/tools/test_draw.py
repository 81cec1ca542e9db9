"""nao-draw."""

import pytest

from nao_tf.drawing import draw_genotype
from nao_tf.spaces.published import CELLS
from nao_tf.tools import draw
from tests.tools.test_tools import failure, run


def test_a_cell_is_drawn(tmp_path, capsys):
  path = tmp_path / "cell.svg"
  assert run(draw, "--architecture=NAONet-A", f"--output={path}") == 0
  assert capsys.readouterr().out == f"drawn: {path}\n"
  assert path.read_text(encoding="utf-8") == draw_genotype(CELLS["NAONet-A"].genotype).svg


@pytest.mark.parametrize(
  ("argv", "message"),
  [
    (["--architecture=NAONet-Q", "--output=x.svg"], "the architecture is not a published name (did you mean NAONet-B"),
    (["--architecture=NAONet-A", "--output=x.png"], "x.png: expected the name of a file that ends with .svg"),
  ],
)
def test_what_cannot_be_drawn_is_refused(argv, message, tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  assert message in failure(draw, *argv)
  assert not list(tmp_path.iterdir())
