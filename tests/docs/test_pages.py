"""What the pages name exists: files, modules, commands and flags."""

import re

import pytest

from nao_tf.networks.image_costs import AUXILIARY_HEAD, ImageCosts
from nao_tf.spaces.published import CELLS
from nao_tf.tools import describe, nao, train
from tests.docs import pages
from tests.test_architecture import FLOORS

_LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")
_URL = re.compile(r"https?://[^\s>)]+")
_PATH = re.compile(r"\b(?:nao_tf|tools|tests|flags|docs|examples)/[\w/.-]*\w")
_COMMAND = re.compile(r"\bnao-(?!tf\b)[a-z]+(?:-[a-z]+)*\b")
_OLD = "CHANGELOG.md"
"""It names what there was, too."""

every_page = pytest.mark.parametrize("path", pages.PAGES, ids=pages.name_of)


@every_page
def test_links_lead_to_files(path):
  targets = _LINK.findall(pages.prose(path))
  missing = [target for target in targets if "://" not in target and not (path.parent / target).exists()]
  assert not missing


@every_page
def test_files_that_are_named_exist(path):
  named = set(_PATH.findall(_URL.sub("", path.read_text(encoding="utf-8"))))
  assert not [name for name in named if not (pages.ROOT / name).exists()]


@every_page
def test_commands_that_are_named_are_installed(path):
  if path.name == _OLD:
    pytest.skip("names the commands of earlier versions")
  installed = {f"nao-{nao.command_name(name)}" for name in nao.COMMANDS}
  assert set(_COMMAND.findall(path.read_text(encoding="utf-8"))) <= installed


@every_page
def test_commands_parse(path, monkeypatch):
  monkeypatch.chdir(pages.ROOT)  # Flagfiles are named from here.
  for words in pages.commands(path):
    pages.parsed(words)


PLACES = [*pages.PAGES, *sorted((pages.ROOT / "tools").glob("*.py"))]
"""The pages, and the binaries, whose headers have commands, too."""


@pytest.mark.parametrize("path", PLACES, ids=pages.name_of)
def test_a_published_name_in_a_command_is_the_published_network(path, monkeypatch):
  monkeypatch.chdir(pages.ROOT)
  for words in pages.commands(path):
    if "--architecture" not in " ".join(words):
      continue
    values = pages.parsed([word for word in words if "Addons>" not in word])  # Not on both stacks.
    cell = CELLS.get(values.architecture) if "architecture" in values else None
    if cell is not None and pages.tool_of(words) == "describe":
      assert f"convention {cell.convention}," in describe.description_of(values).title
    elif cell is not None and "task" in values:
      assert train.final_configs(values).network_config.convention == cell.convention


def test_the_command_in_the_header_of_the_trainer_makes_the_published_network(monkeypatch):
  [words] = pages.commands(pages.ROOT / "tools" / "train.py")
  values = pages.parsed(words)
  costs = ImageCosts(train.final_configs(values).network_config, (32, 32, 3), num_classes=10)
  sizes = {part.name: part.parameters for part in costs.parts(train.genotype_of(values))}
  assert sum(sizes.values()) - sizes[AUXILIARY_HEAD] == 2_466_252


@pytest.mark.parametrize("path", sorted((pages.ROOT / "tools").glob("*.py")), ids=pages.name_of)
def test_commands_in_the_headers_of_binaries_parse(path, monkeypatch):
  monkeypatch.chdir(pages.ROOT)
  for words in pages.commands(path):
    if "my_package" not in " ".join(words):
      pages.parsed(words)


def test_commands_are_found_on_the_pages():
  found = [command for path in pages.PAGES for command in pages.commands(path)]
  assert len(found) > 40
  assert {"search", "train", "evaluate", "export", "tune"} <= {pages.tool_of(words) for words in found}


def test_the_picture_of_the_floors_shows_all_of_them_in_order():
  picture = (pages.ROOT / "docs" / "images" / "architecture.svg").read_text(encoding="utf-8")
  assert tuple(re.findall(r"font-weight='bold'[^>]*>(\w+)<", picture)) == FLOORS


def test_the_steps_in_the_picture_are_those_of_the_page():
  picture = (pages.ROOT / "docs" / "images" / "architecture.svg").read_text(encoding="utf-8")
  page = (pages.ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
  steps = re.findall(r"^(\d+)\. \*\*", page, re.MULTILINE)
  assert set(re.findall(r"fill='white'>(\d+)<", picture)) == set(steps)


def test_each_page_of_the_site_is_in_its_menu():
  menu = (pages.ROOT / "mkdocs.yml").read_text(encoding="utf-8")
  folders = [f"api/nao_tf.{path.parent.name}.md" for path in (pages.ROOT / "nao_tf").glob("*/__init__.py")]
  written = [str(path.relative_to(pages.ROOT / "docs")) for path in (pages.ROOT / "docs").rglob("*.md")]
  assert [page for page in (*folders, *written) if page not in menu] == []
