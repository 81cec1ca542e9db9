import os

import pytest

from nao_tf.searches.executors import machine


@pytest.mark.parametrize(
  ("named", "gpus"),
  [("0,2", ["0", "2"]), ("GPU-8a, MIG-3b", ["GPU-8a", "MIG-3b"]), ("", []), ("-1", []), ("1,-1,0", ["1"])],
)
def test_the_gpus_are_those_that_this_process_sees(monkeypatch, named, gpus):
  monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)
  assert machine.visible_gpus() == gpus
  assert machine.default_num_workers() == (len(gpus) or machine.num_cores())


def test_each_worker_sees_a_gpu_of_its_own(monkeypatch):
  monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
  assert [share["CUDA_VISIBLE_DEVICES"] for share in machine.shares(2)] == ["3", "5"]
  shared = machine.shares(3)
  assert [share["CUDA_VISIBLE_DEVICES"] for share in shared] == ["3", "5", "3"]
  assert all(share["TF_FORCE_GPU_ALLOW_GROWTH"] == "true" for share in shared)


def test_workers_divide_the_cores_and_the_environment_prevails(monkeypatch):
  monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
  monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
  monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "7")
  shares = machine.shares(machine.num_cores())
  assert all(share.get("OMP_NUM_THREADS", "1") == "1" and "TF_NUM_INTRAOP_THREADS" not in share for share in shares)
  assert machine.shares(1) == [{}]


def test_memory_is_measured():
  assert 0.001 < machine.held_gib(os.getpid()) < machine.memory_gib()
  assert machine.held_gib(None) == 0
