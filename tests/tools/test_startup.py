"""Commands begin at once: their flags are read without TensorFlow or SciPy, those of registered components included."""

import subprocess
import sys

import pytest

from nao_tf import evaluators, strategies
from nao_tf.benchmarks import oracle_benchmark
from nao_tf.serving import model_files
from nao_tf.tasks import TASKS, TRAITS, TaskTraits, task_class, task_traits
from nao_tf.tools import benchmark_oracles, export
from tests.tools.test_parsing import TOOLS

PROGRAM = f"""
import importlib, sys
from absl import flags
for name in {TOOLS}:
  importlib.import_module("nao_tf.tools." + name).define_flags(flags.FlagValues())
sys.exit(", ".join({{"tensorflow", "keras", "keras_tuner", "sklearn", "scipy", "matplotlib"}} & set(sys.modules)) or 0)
"""


def test_no_command_imports_tensorflow_to_read_its_flags():
  done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
  assert done.returncode == 0, done.stderr


WORKDIRS = """
import importlib, os, sys
NEEDED = {"train": ["--architecture=NAONet-WS"], "benchmark_strategies": ["--space=nasbench201", "--table=t"]}
file, commands = sys.argv[1], sys.argv[2:]
modules = [importlib.import_module("nao_tf.tools." + name) for name in commands]
for module in modules:
  if not os.fork():
    sys.argv = [module.__name__, "--workdir=" + file, *NEEDED.get(module.__name__.rpartition(".")[2], [])]
    try:
      module.cli()
    except SystemExit as end:
      os._exit(end.code != 1 or "tensorflow" in sys.modules)
  assert os.wait()[1] == 0, module.__name__
"""
WITH_WORKDIR = ("search", "train", "tune", "report", "status", "rank_shared", "export", "benchmark_strategies")


def test_a_file_as_work_directory_is_refused_before_tensorflow_is_imported(tmp_path):
  (tmp_path / "notes").write_text("precious")
  command = [sys.executable, "-c", WORKDIRS, str(tmp_path / "notes"), *WITH_WORKDIR, "benchmark_oracles"]
  done = subprocess.run(command, capture_output=True, text=True, check=False)
  assert done.returncode == 0, done.stderr
  message = f"error: --workdir must be a directory, got {tmp_path}/notes: it is a file"
  assert done.stderr.splitlines() == [message] * (len(WITH_WORKDIR) + 1)


@pytest.mark.parametrize("name", [*TASKS, "imagenette"])
def test_what_is_known_of_a_task_is_what_its_class_says(name):
  assert task_traits(name) == TaskTraits.of(task_class(name))


def test_every_registered_task_has_traits():
  assert set(TRAITS) == set(TASKS.values())


@pytest.mark.parametrize("name", strategies.STRATEGIES)
def test_the_declared_settings_of_a_strategy_are_those_of_its_class(name):
  declared, cls = strategies.declared_settings(name), strategies.strategy_class(name)
  assert (declared.config_class, declared.presets) == (cls.config_class, cls.presets)


@pytest.mark.parametrize("name", evaluators.WITHOUT_SETTINGS)
def test_an_evaluator_that_is_not_asked_declares_no_settings(name):
  assert getattr(evaluators.evaluator_class(name), "config_class", None) is None


def test_names_that_flags_know_are_those_of_the_library():
  assert tuple(model_files.FORMATS) == export.FILE_FORMATS
  assert tuple(oracle_benchmark.ORACLES) == benchmark_oracles.ORACLES
