"""The structure of the project: who may import whom, and what the library must not contain."""

import ast
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parent.parent
MODULES = sorted((ROOT / "nao_tf").rglob("*.py"))

# Each part, with the parts that it must not import.
FORBIDDEN = {
  "nao_tf.strategies": ("nao_tf.evaluators", "nao_tf.networks", "nao_tf.tasks", "nao_tf.search", "nao_tf.journal"),
  "nao_tf.evaluators": ("nao_tf.strategies", "nao_tf.controller", "nao_tf.search", "nao_tf.journal"),
  "nao_tf.language": (
    "nao_tf.controller",
    "nao_tf.evaluators",
    "nao_tf.search",
    "nao_tf.spaces",
    "nao_tf.strategies",
    "nao_tf.tasks",
  ),
  "nao_tf.sharing": ("nao_tf.controller", "nao_tf.evaluators", "nao_tf.search", "nao_tf.strategies"),
  "nao_tf.tasks": ("nao_tf.strategies", "nao_tf.evaluators", "nao_tf.controller", "nao_tf.search"),
  "nao_tf.controller": ("nao_tf.networks", "nao_tf.tasks", "nao_tf.strategies", "nao_tf.evaluators", "nao_tf.search"),
  "nao_tf.networks": (
    "nao_tf.controller",
    "nao_tf.evaluators",
    "nao_tf.language",
    "nao_tf.search",
    "nao_tf.strategies",
    "nao_tf.tasks",
  ),
  "nao_tf.tables": ("nao_tf.strategies", "nao_tf.evaluators", "nao_tf.search", "nao_tf.networks", "nao_tf.tasks"),
  "nao_tf.spaces": ("nao_tf.controller", "nao_tf.networks", "nao_tf.tasks", "nao_tf.strategies", "nao_tf.evaluators"),
  "nao_tf.tuner": ("nao_tf.controller", "nao_tf.networks", "nao_tf.search", "nao_tf.journal", "nao_tf.tables"),
  "nao_tf": ("nao_tf.tools", "tools", "absl.flags", "absl.app"),
}
DRIVERS = ("nao_tf.tuner",)  # Nothing else in the library knows of them.
WITHOUT_TENSORFLOW = (
  "nao_tf",
  "nao_tf.architecture",
  "nao_tf.benchmark",
  "nao_tf.curves",
  "nao_tf.encoding",
  "nao_tf.evaluators",
  "nao_tf.genotype",
  "nao_tf.journal",
  "nao_tf.language.recipe",
  "nao_tf.language.text",
  "nao_tf.metrics",
  "nao_tf.published",
  "nao_tf.search",
  "nao_tf.settings",
  "nao_tf.sharing.config",
  "nao_tf.spaces",
  "nao_tf.tables",
  "nao_tf.strategies.evolution",
  "nao_tf.strategies.random_search",
  "nao_tf.tasks",
)


def name_of(path):
  parts = path.relative_to(ROOT).with_suffix("").parts
  return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def within(name, package):
  return name == package or name.startswith(package + ".")


def imports(path):
  for node in ast.walk(ast.parse(path.read_text())):
    if isinstance(node, ast.Import):
      yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
      yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_point_down(path):
  for package, forbidden in FORBIDDEN.items():
    if within(name_of(path), package):
      wrong = [name for name in imports(path) for bad in forbidden if within(name, bad)]
      assert not wrong, f"{name_of(path)} must not import {wrong}"


@pytest.mark.parametrize("driver", DRIVERS)
def test_nothing_else_in_the_library_knows_of_a_driver(driver):
  others = [path for path in MODULES if not within(name_of(path), driver)]
  assert not [name_of(path) for path in others if any(within(name, driver) for name in imports(path))]


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_the_library_has_no_assert_and_no_bare_except(path):
  for node in ast.walk(ast.parse(path.read_text())):
    assert not isinstance(node, ast.Assert), f"assert in line {node.lineno}"
    assert not (isinstance(node, ast.ExceptHandler) and node.type is None), f"bare except in line {node.lineno}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_every_module_says_what_it_is(path):
  assert ast.get_docstring(ast.parse(path.read_text()))


def test_importing_what_needs_only_numpy_does_not_import_tensorflow():
  program = (
    f"import sys, {', '.join(WITHOUT_TENSORFLOW)}; sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
  )
  assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0
