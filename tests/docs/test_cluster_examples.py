"""The files for clusters can be parsed, and their commands are ones of this package."""

import re
import shlex
import subprocess

import pytest

from nao_tf.tools import executor_flags
from tests.docs import pages

CLUSTER = pages.ROOT / "examples" / "cluster"


def check_search(words):
  """Checks the command of a search on Ray."""
  values = pages.parsed(words)
  executor_flags.check(values)
  assert values.executor == "ray" and values.num_workers == "auto" and values.workdir


def test_the_script_for_slurm_is_one_of_bash_and_its_search_parses():
  script = CLUSTER / "slurm_ray.sh"
  assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0
  text = script.read_text(encoding="utf-8")
  options = re.findall(r"^#SBATCH (.*)$", text, re.MULTILINE)
  assert options and all(re.fullmatch(r"--[a-z-]+=\S+", option) for option in options)
  [words] = pages.commands(script)
  check_search(words)


def test_the_job_for_kubernetes_is_whole_and_its_search_parses():
  yaml = pytest.importorskip("yaml")
  job = yaml.safe_load((CLUSTER / "kuberay.yaml").read_text(encoding="utf-8"))
  assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
  check_search(shlex.split(job["spec"]["entrypoint"]))
  cluster = job["spec"]["rayClusterSpec"]
  groups = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
  for spec in (group["template"]["spec"] for group in groups):
    volumes = {volume["name"] for volume in spec["volumes"]}
    for container in spec["containers"]:
      assert container["image"] and container["resources"]["limits"]
      assert {mount["name"] for mount in container["volumeMounts"]} <= volumes
  for group in cluster["workerGroupSpecs"]:
    assert group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]
