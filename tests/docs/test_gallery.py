"""The pictures of the pages are those that their programs draw."""

import re

import pytest

from tests.docs import pages

IMAGES = pages.ROOT / "docs" / "images"


PICTURES = pages.program("images/draw_gallery.py").pictures()


@pytest.mark.parametrize("name", sorted(PICTURES))
def test_a_cell_is_drawn_as_it_is_drawn_now(name):
  assert (IMAGES / f"{name}.svg").read_text(encoding="utf-8") == PICTURES[name]  # Else run docs/images/draw_gallery.py.


def test_the_gallery_shows_all_its_pictures():
  text = (pages.ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
  assert sorted(re.findall(r"\]\(images/(.*)\.svg\)", text)) == sorted(PICTURES)
  assert {f"gallery/{path.stem}" for path in (IMAGES / "gallery").iterdir()} <= set(PICTURES)


def test_every_picture_is_on_a_page():
  shown = {
    name for path in pages.PAGES for name in re.findall(r"images/([\w/]+\.\w+)\)", path.read_text(encoding="utf-8"))
  }
  assert shown == {path.relative_to(IMAGES).as_posix() for path in IMAGES.rglob("*.[sp][vn]g")}


def test_the_picture_of_the_floors_is_drawn_as_it_is_drawn_now(tmp_path, monkeypatch):
  module = pages.program("images/draw_architecture.py")
  assert module.picture() == (IMAGES / "architecture.svg").read_text(encoding="utf-8")
