"""What an installed wheel brings."""

import os
import pathlib
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
  for folder, suffix in (("nao_tf", "py"), ("tools", "py"), ("flags", "flags")):
    for path in (ROOT / folder).rglob(f"*.{suffix}"):
      relative = path.relative_to(ROOT).as_posix()
      assert (relative if folder == "nao_tf" else f"nao_tf/{relative}") in names


def test_its_types_are_seen_and_its_version_is_that_of_the_package(wheel):
  names = zipfile.ZipFile(wheel).namelist()
  assert "nao_tf/py.typed" in names
  assert f"nao_tf-{nao_tf.__version__}.dist-info/METADATA" in names


def test_installed_elsewhere_the_binaries_are_commands(wheel, tmp_path):
  python("-m", "pip", "install", "--no-deps", "--target", str(tmp_path / "site"), str(wheel))
  assert not (tmp_path / "site" / "tools").exists() and not (tmp_path / "site" / "flags").exists()
  environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site"), "TF_CPP_MIN_LOG_LEVEL": "3"}
  for path in sorted((tmp_path / "site" / "bin").glob("nao-*")):
    done = subprocess.run([sys.executable, path, "--helpshort"], cwd=tmp_path, env=environment, capture_output=True)
    assert done.returncode == 1 and b"--" in done.stdout, (path, done.stderr[-500:])  # absl exits with 1 after help.
    assert b"Example:" in done.stdout, path
  assert {"nao-search", "nao-train", "nao-evaluate", "nao-export"} <= {
    p.name for p in (tmp_path / "site" / "bin").iterdir()
  }
