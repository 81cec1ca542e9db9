"""What an installed wheel brings."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import zipfile

import pytest

import nao_tf

ROOT = pathlib.Path(__file__).parent.parent


def python(*argv, **options):
  return subprocess.run(
    [sys.executable, *argv], check=True, capture_output=True, text=True, timeout=300, **options
  ).stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
  pytest.importorskip("build.env", reason="the package `build` is needed to make a wheel")
  directory = tmp_path_factory.mktemp("wheel")
  source = directory / "source"  # A copy, since building leaves files beside the sources.
  ignored = shutil.ignore_patterns(".*", "__pycache__", "build", "dist", "*.egg-info")
  shutil.copytree(ROOT, source, ignore=ignored)
  python("-m", "build", "--wheel", "--outdir", str(directory), str(source))
  (path,) = directory.glob("*.whl")
  return path


def test_the_only_top_level_package_is_nao_tf(wheel):
  names = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
  assert {name for name in names if not name.endswith(".dist-info")} == {"nao_tf"}


def test_every_module_binary_and_flagfile_is_in_it(wheel):
  names = set(zipfile.ZipFile(wheel).namelist())
  for folder, suffix in (("nao_tf", "py"), ("nao_tf", "css"), ("nao_tf", "js"), ("tools", "py"), ("flags", "flags")):
    for path in (ROOT / folder).rglob(f"*.{suffix}"):
      relative = path.relative_to(ROOT).as_posix()
      assert (relative if folder == "nao_tf" else f"nao_tf/{relative}") in names


def test_its_types_are_seen_and_its_version_is_that_of_the_package(wheel):
  names = zipfile.ZipFile(wheel).namelist()
  assert "nao_tf/py.typed" in names
  assert f"nao_tf-{nao_tf.__version__}.dist-info/METADATA" in names


def test_its_page_on_an_index_needs_no_files_beside_it(wheel):
  archive = zipfile.ZipFile(wheel)
  [name] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
  head, _, body = archive.read(name).decode().partition("\n\n")
  assert not re.findall(r"\]\((?!https?:)", body) and body.startswith("# nao_tf")
  readme = (ROOT / "README.md").read_text()
  assert [block in body for block in re.findall(r"```python\n.*?```", readme, re.DOTALL)] == [True] * readme.count(
    "```python"
  )
  for line in ("License-File: LICENSE", "Description-Content-Type: text/markdown", "Classifier: Typing :: Typed"):
    assert line in head
  assert "Classifier: Programming Language :: Python :: 3.10" in head
  assert any(name.endswith("LICENSE") for name in archive.namelist())


HELPS = """
import json, os, runpy, sys
import nao_tf
from nao_tf.tools import flagfiles
assert "--task=digits" in flagfiles.expanded(["", "--flagfile=flags/quickstart.flags"])
codes = {}
for path in sys.argv[1:]:
  child = os.fork()
  if not child:
    os.dup2(os.open(path + ".out", os.O_CREAT | os.O_WRONLY), 1)
    sys.argv = [path, "--helpshort"]
    runpy.run_path(path, run_name="__main__")
  codes[path] = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
print(json.dumps([os.path.dirname(nao_tf.__file__), codes]))
"""
"""Shows the help of every command, in forks of one process, where flagfiles of the package are found."""


def test_installed_elsewhere_the_binaries_are_commands(wheel, tmp_path):
  python("-m", "pip", "install", "--no-deps", "--target", str(tmp_path / "site"), str(wheel))
  assert not (tmp_path / "site" / "tools").exists() and not (tmp_path / "site" / "flags").exists()
  environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site"), "TF_CPP_MIN_LOG_LEVEL": "3"}
  paths = sorted((tmp_path / "site" / "bin").glob("nao*"))
  package, codes = json.loads(python("-c", HELPS, *map(str, paths), cwd=tmp_path, env=environment).splitlines()[-1])
  assert package == str(tmp_path / "site" / "nao_tf")
  for path in paths:
    text = pathlib.Path(f"{path}.out").read_text()
    assert codes[str(path)] == 0 and "--" in text, (path, text[-500:])
    assert "Example:" in text, path
  assert {"nao", "nao-search", "nao-train", "nao-evaluate", "nao-export"} <= {path.name for path in paths}
