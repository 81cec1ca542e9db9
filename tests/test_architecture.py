"""The structure of the project: which folder may import which, and what the library must not contain."""

import ast
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parent.parent
LIBRARY = sorted((ROOT / "nao_tf").rglob("*.py"))
MODULES = [*LIBRARY, *sorted((ROOT / "tools").glob("*.py"))]

FLOORS = (
  "tools",
  "benchmarks",
  "tuner",
  "searches",
  "evaluators",
  "supernets",
  "serving",
  "tasks",
  "networks",
  "strategies",
  "controller",
  "reports",
  "training",
  "tables",
  "runs",
  "drawing",
  "spaces",
  "objectives",
  "registries",
  "trial",
  "fields",
)
"""The folders of the package, from the top floor down. A folder may import itself and those below it."""

WITHOUT_TENSORFLOW = (
  "nao_tf",
  "nao_tf.trial",
  "nao_tf.fields",
  "nao_tf.benchmarks.strategy_benchmark",
  "nao_tf.benchmarks.curves",
  "nao_tf.benchmarks.rank_metrics",
  "nao_tf.benchmarks.simulated_cluster",
  "nao_tf.controller.vocabulary",
  "nao_tf.drawing",
  "nao_tf.evaluators",
  "nao_tf.evaluators.tabular_evaluator",
  "nao_tf.networks.cell_drawings",
  "nao_tf.networks.descriptions",
  "nao_tf.reports",
  "nao_tf.runs.journal",
  "nao_tf.runs.settings",
  "nao_tf.searches.executors.processes",
  "nao_tf.searches.executors.ray_executor",
  "nao_tf.searches.loop",
  "nao_tf.searches.one_shot.gradients",
  "nao_tf.searches.reading",
  "nao_tf.serving",
  "nao_tf.serving.keras_models",
  "nao_tf.spaces",
  "nao_tf.spaces.genotypes",
  "nao_tf.spaces.published",
  "nao_tf.strategies.evolution",
  "nao_tf.strategies.nao_config",
  "nao_tf.strategies.pnas",
  "nao_tf.strategies.random_search",
  "nao_tf.supernets.config",
  "nao_tf.tables",
  "nao_tf.tasks",
  "nao_tf.tasks.base",
  "nao_tf.tasks.text",
  "nao_tf.tasks.traits",
  "nao_tf.training.base",
  "nao_tf.training.config",
  "nao_tf.training.history",
  "nao_tf.training.language_config",
  "nao_tf.tuner",
)


def name_of(path):
  parts = path.relative_to(ROOT).with_suffix("").parts
  parts = ("nao_tf", *parts) if parts[0] == "tools" else parts
  return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path):
  """Yields the names that a module imports, those for the type checker alone included."""
  for node in ast.walk(ast.parse(path.read_text())):
    if isinstance(node, ast.Import):
      yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
      yield from (f"{node.module}.{alias.name}" for alias in node.names)


def floor_of(name):
  """Returns the number of the floor that a dotted name is on, 0 for the top one; None for the public face."""
  parts = name.split(".")
  return FLOORS.index(parts[1]) if parts[0] == "nao_tf" and len(parts) > 1 and parts[1] in FLOORS else None


def test_every_folder_is_on_a_floor():
  folders = {path.name.removesuffix(".py") for path in (ROOT / "nao_tf").iterdir() if path.name[0] not in "_."}
  assert folders - {"py.typed"} == set(FLOORS) - {"tools"}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_point_down(path):
  here = floor_of(name_of(path))
  wrong = [
    name for name in imports(path) if (there := floor_of(name)) is not None and here is not None and there < here
  ]
  assert not wrong, f"{name_of(path)} must not import {wrong}"


@pytest.mark.parametrize("path", LIBRARY, ids=name_of)
def test_the_library_knows_no_flags(path):
  assert not [name for name in imports(path) if name.startswith(("absl.flags", "absl.app", "nao_tf.tools", "tools"))]


@pytest.mark.parametrize("path", LIBRARY, ids=name_of)
def test_the_library_has_no_assert_and_no_bare_except(path):
  for node in ast.walk(ast.parse(path.read_text())):
    assert not isinstance(node, ast.Assert), f"assert in line {node.lineno}"
    assert not (isinstance(node, ast.ExceptHandler) and node.type is None), f"bare except in line {node.lineno}"


def test_tests_mirror_the_library():
  folders = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir() and path.name[0] != "_"}
  assert folders - {"conformance", "support", "data", "docs"} <= set(FLOORS)


def test_importing_what_needs_only_numpy_does_not_import_tensorflow():
  program = (
    f"import sys, {', '.join(WITHOUT_TENSORFLOW)}; sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
  )
  assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0
