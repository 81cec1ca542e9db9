"""What travels to the nodes of a cluster."""

import importlib.util
import json
import os
import subprocess
import sys

import pytest

from nao_tf.searches.executors import ExecutorSettings, executor_class
from nao_tf.searches.executors.shipped_code import copy_package, runtime_environment

needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed")

MODULE = """
import nao_tf

class Evaluator:
  def evaluate(self, architectures):
    for _ in architectures:
      metrics = {"package": nao_tf.__file__, "module": __file__, "data": open("data").read()}
      yield nao_tf.trial.Evaluation(1.0, metrics=metrics)
"""

PROGRAM = """
import json, sys

sys.path[:0] = sys.argv[3], sys.argv[1]  # Which its nodes do not have.
import nao_tf
from nao_tf.searches.executors import ExecutorSettings, make_executor
from ray.cluster_utils import Cluster

import own_module

cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
settings = ExecutorSettings(ray_address=cluster.address, ray_working_dir=sys.argv[1])
with nao_tf.Journal(sys.argv[2], {}) as journal, make_executor("ray", own_module.Evaluator, settings) as executor:
  strategy = nao_tf.make_strategy("random", nao_tf.make_space("nasbench201"), seed=0)
  nao_tf.run_search(strategy, executor, journal, num_trials=1, batch_size=1)
print(json.dumps(nao_tf.runs.journal.read_trials(sys.argv[2])[0].evaluation.metrics))
cluster.shutdown()
"""


def test_the_package_travels_with_its_commands(tmp_path):
  copy = copy_package(str(tmp_path))
  for name in ("__init__.py", "trial.py", "tools/search.py", "searches/executors/ray_executor.py"):
    assert os.path.isfile(os.path.join(copy, name))
  assert not [name for _, names, _ in os.walk(copy) for name in names if name == "__pycache__"]


def test_a_directory_of_the_user_travels_and_nothing_stays_behind(tmp_path):
  with runtime_environment(str(tmp_path)) as environment:
    (package,) = environment["py_modules"]
    assert environment["working_dir"] == str(tmp_path) and os.path.isfile(os.path.join(package, "trial.py"))
  assert not os.path.exists(package)
  with runtime_environment(None) as environment:
    assert list(environment) == ["py_modules"]


def test_a_directory_that_does_not_exist_is_refused(tmp_path):
  settings = ExecutorSettings(ray_address="auto", ray_working_dir=str(tmp_path / "missing"))
  with pytest.raises(ValueError, match="ray_working_dir: expected an existing directory, got '.*missing'"):
    executor_class("ray").check(settings)


@needs_ray
@pytest.mark.slow
def test_a_node_evaluates_with_the_code_that_has_travelled(tmp_path):
  own = tmp_path / "own"
  own.mkdir()
  (own / "own_module.py").write_text(MODULE)
  (own / "data").write_text("of mine")
  (tmp_path / "program.py").write_text(PROGRAM)
  command = [sys.executable, "program.py", str(own), str(tmp_path / "search"), os.getcwd()]
  environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
  done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=300, env=environment)
  assert done.returncode == 0, done.stderr[-2000:]
  metrics = json.loads(done.stdout.splitlines()[-1])
  assert metrics["data"] == "of mine"
  for name in ("package", "module"):
    assert "runtime_resources" in metrics[name] and not metrics[name].startswith(str(own))
