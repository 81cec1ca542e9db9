"""Gathers what the documentation site is built from. `make docs` calls it before MkDocs.

Into `docs` of a directory go the pages of docs/, those at the root of the repository, and one page about the sources of each
folder of the package. Into `api` goes a copy of the package in which tools/ stands where it is installed.

Example:
  python docs/stage.py build
"""

import pathlib
import re
import shutil
import sys

ROOT = pathlib.Path(__file__).parent.parent
PACKAGE = "nao_tf"
ROOT_PAGES = {
  "README.md": "index.md",
  "CONTRIBUTING.md": "contributing.md",
  "CHANGELOG.md": "changelog.md",
  "BUILD_NOTES.md": "build_notes.md",
}
"""Pages at the root of the repository, with their names on the site."""
_ROOT_LINK = re.compile(r"\]\(((?:\.\./)*)(" + "|".join(map(re.escape, ROOT_PAGES)) + r")(?=[)#])")


def stage(directory: pathlib.Path) -> None:
  """Writes the directories `docs` and `api` anew."""
  docs, api = directory / "docs", directory / "api"
  for target in (docs, api):
    shutil.rmtree(target, ignore_errors=True)
  ignored = shutil.ignore_patterns("__pycache__")
  shutil.copytree(ROOT / PACKAGE, api / PACKAGE, ignore=ignored)
  shutil.copytree(ROOT / "tools", api / PACKAGE / "tools", ignore=ignored)
  shutil.copytree(ROOT / "docs", docs, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
  for path in docs.rglob("*.md"):
    path.write_text(on_site(path.read_text(encoding="utf-8"), in_docs=True), encoding="utf-8")
  for name, page in ROOT_PAGES.items():
    text = (ROOT / name).read_text(encoding="utf-8")
    (docs / page).write_text(on_site(text, in_docs=False), encoding="utf-8")
  (docs / "api").mkdir()
  for name in packages():
    (docs / "api" / f"{name}.md").write_text(_api_page(name), encoding="utf-8")


def on_site(text: str, *, in_docs: bool) -> str:
  """Returns a page with its links as they are on the site, where the pages at the root are among those of docs/.

  Args:
    text: the page, Markdown.
    in_docs: whether it stands in docs/ and not at the root.
  """
  up = len("../") if in_docs else 0
  text = _ROOT_LINK.sub(lambda match: f"]({match[1][up:]}{ROOT_PAGES[match[2]]}", text)
  return text if in_docs else text.replace("](docs/", "](")


def packages() -> list[str]:
  """Returns what gets a page: the package, its module of values, and its folders with the modules in them."""
  folders = sorted(path.parent.name for path in (ROOT / PACKAGE).glob("*/__init__.py"))
  return [PACKAGE, *(f"{PACKAGE}.{name}" for name in ["trial", *folders, "tools"])]


def _api_page(name: str) -> str:
  with_modules = str(name != PACKAGE).lower()
  return f"# {name}\n\n::: {name}\n    options:\n      show_submodules: {with_modules}\n"


if __name__ == "__main__":
  stage(pathlib.Path(sys.argv[1]))
