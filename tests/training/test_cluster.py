import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import time

import pytest
from tensorflow import keras

from nao_tf.training.cluster import Cluster, cluster_of
from nao_tf.training.distribution import make_distribution
from nao_tf.training.history import read_history
from tests.support.image_cases import GENOTYPE_FILE
from tests.support.toy_text import write_files

ROOT = pathlib.Path(__file__).parent.parent.parent
WORKERS = {"cluster": {"worker": ["a:1", "b:1"]}}


def of_tf_config(config):
  return cluster_of({"TF_CONFIG": json.dumps(config)})


def test_the_first_worker_is_the_chief_unless_there_is_one():
  for index in (0, 1):
    assert of_tf_config({**WORKERS, "task": {"type": "worker", "index": index}}) == Cluster(False, 2, index == 0)
  hosts = {"cluster": {"chief": ["a:1"], "worker": ["b:1", "c:1"]}}
  assert of_tf_config({**hosts, "task": {"type": "chief", "index": 0}}) == Cluster(False, 3, True)
  assert of_tf_config({**hosts, "task": {"type": "worker", "index": 0}}) == Cluster(False, 3, False)


def test_slurm_describes_a_cluster():
  variables = {"SLURM_PROCID": "2", "SLURM_NTASKS": "4", "SLURM_STEP_NODELIST": "node[1-4]"}
  assert cluster_of(variables) == Cluster(True, 4, False)
  with pytest.raises(ValueError, match="SLURM_PROCID: expected a number, got 'x'"):
    cluster_of({**variables, "SLURM_PROCID": "x"})


@pytest.mark.parametrize(
  ("config", "message"),
  [
    ("{", "TF_CONFIG: not JSON"),
    ("{}", "TF_CONFIG: expected the members cluster and task, got none"),
    ('{"cluster": {"ps": ["a:1"]}, "task": {}}', "expected a cluster of chief and worker, got ps"),
    ('{"cluster": {"worker": ["a:1"]}, "task": {"type": "chief"}}', "expected a task of the type worker, got 'chief'"),
    ('{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}', "TF_CONFIG: task.index"),
    ('{"cluster": {"worker": [1]}, "task": {}}', "expected a text for 'TF_CONFIG: an address of the cluster', got 1"),
    ('{"cluster": {"worker": ["a"]}, "task": {}}', "expected addresses of the form host:port, got 'a'"),
    ('{"cluster": {"worker": ["a:x"]}, "task": {}}', "expected addresses of the form host:port, got 'a:x'"),
    ('{"cluster": {"chief": ["a:1"], "worker": ["a:1"]}, "task": {}}', "an address for each process, got a:1 twice"),
    ('{"cluster": {"worker": ["a:99999"]}, "task": {}}', "expected addresses of the form host:port, got 'a:99999'"),
    ('{"cluster": {"worker": ["a:0"]}, "task": {}}', "expected addresses of the form host:port, got 'a:0'"),
    ('{"cluster": {"worker": ["a:²"]}, "task": {}}', "expected addresses of the form host:port, got 'a:²'"),
    ('{"cluster": {"worker": []}, "task": {}}', "expected at least one address in cluster.worker, got none"),
    ('{"cluster": {"chief": [], "worker": ["a:1"]}, "task": {}}', "expected one address in cluster.chief, got none"),
    ('{"cluster": {"chief": ["a:1", "b:1"]}, "task": {}}', "expected one address in cluster.chief, got 2"),
    ('{"cluster": {"worker": ["a:1"]}, "task": {"type": ["worker"]}}', r"a task of the type worker, got \['worker'\]"),
  ],
)
def test_a_malformed_cluster_is_refused(config, message):
  with pytest.raises(ValueError, match=message):
    cluster_of({"TF_CONFIG": config})


def test_without_a_cluster_the_message_says_what_is_missing():
  with pytest.raises(ValueError, match="expected the variable TF_CONFIG, or SLURM_PROCID, SLURM_NTASKS"):
    cluster_of({})


def test_what_does_not_fit_a_kind_is_refused(monkeypatch):
  with pytest.raises(ValueError, match="^distribution=none trains on one device, got num_replicas=2"):
    make_distribution(2, kind="none")
  monkeypatch.setenv("TF_CONFIG", json.dumps({**WORKERS, "task": {"type": "worker", "index": 0}}))
  with pytest.raises(
    ValueError, match="^distribution=multi_worker uses all devices of each process; omit num_replicas=2"
  ):
    make_distribution(2, kind="multi_worker")


def start(workdir, *argv):
  """Starts the two processes of a training."""
  ports = []
  for _ in range(2):
    with socket.socket() as free:
      free.bind(("localhost", 0))
      ports.append(free.getsockname()[1])
  hosts = {"worker": [f"localhost:{port}" for port in ports]}
  command = [sys.executable, "-m", "nao_tf.tools.train", "--distribution=multi_worker", f"--workdir={workdir}", *argv]
  processes = []
  for index in range(2):
    config = json.dumps({"cluster": hosts, "task": {"type": "worker", "index": index}})
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CONFIG": config, "TF_CPP_MIN_LOG_LEVEL": "2"}
    processes.append(subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True))
  return processes


def start_step(workdir, *argv):
  """Starts the two processes of a training as a step of SLURM."""
  command = [sys.executable, "-m", "nao_tf.tools.train", "--distribution=multi_worker", f"--workdir={workdir}", *argv]
  step = {"SLURM_NTASKS": "2", "SLURM_STEP_NODELIST": "localhost", "SLURM_STEP_TASKS_PER_NODE": "2"}
  environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "2", **step}
  pipes = {"stderr": subprocess.PIPE, "text": True}
  return [
    subprocess.Popen(command, cwd=ROOT, env={**environment, "SLURM_PROCID": str(index)}, **pipes) for index in range(2)
  ]


def start_alone(workdir, port, index=0):
  """Starts one of the two processes of a training."""
  hosts = {"worker": [f"localhost:{port}", f"localhost:{port + 1}"]}
  config = json.dumps({"cluster": hosts, "task": {"type": "worker", "index": index}})
  command = [sys.executable, "-m", "nao_tf.tools.train", "--distribution=multi_worker", f"--workdir={workdir}", *IMAGES]
  environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CONFIG": config, "TF_CPP_MIN_LOG_LEVEL": "2"}
  pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
  return subprocess.Popen(command, cwd=ROOT, env=environment, **pipes)


IMAGES = ["--num_cells=1", "--filters=4", "--noauxiliary", "--batch_size=64", "--drop_path_keep=1", "--dropout_keep=1"]
IMAGES += ["--train_examples=512", f"--architecture={GENOTYPE_FILE}", "--checkpoint_steps=1", "--epochs=400"]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(keras, "__version__"), reason="Keras 2")
def test_two_processes_train_one_network_and_go_on_after_one_is_lost(tmp_path):
  workdir = tmp_path / "run"
  first = start(workdir, *IMAGES)
  deadline = time.monotonic() + 300
  while not (workdir / "history.jsonl").exists() or len(read_history(str(workdir))) < 2:
    assert time.monotonic() < deadline and first[0].poll() is None, first[0].communicate()
    time.sleep(0.2)
  first[1].send_signal(signal.SIGKILL)
  first[0].send_signal(signal.SIGKILL)
  for process in first:
    process.communicate()
  before = read_history(str(workdir))
  second = start(workdir, *IMAGES)
  while len(read_history(str(workdir))) < len(before) + 2:
    assert time.monotonic() < deadline and second[0].poll() is None, second[0].communicate()
    time.sleep(0.2)
  for process in second:
    process.send_signal(signal.SIGKILL)
    process.communicate()
  history = read_history(str(workdir))
  assert [metrics["epoch"] for metrics in history] == list(range(1, len(history) + 1))


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(keras, "__version__"), reason="Keras 2")
def test_the_processes_of_a_step_of_slurm_train_one_network(tmp_path):
  finished(start_step(tmp_path / "run", *IMAGES, "--epochs=1", "--train_examples=128"))
  assert [metrics["epoch"] for metrics in read_history(str(tmp_path / "run"))] == [1]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(keras, "__version__"), reason="Keras 2")
@pytest.mark.parametrize(("index", "number"), [(0, signal.SIGTERM), (1, signal.SIGTERM), (0, signal.SIGINT)])
def test_a_process_that_waits_for_the_others_says_so_and_is_ended_by_a_signal(tmp_path, index, number):
  with socket.socket() as free:
    free.bind(("localhost", 0))
    port = free.getsockname()[1]
  with start_alone(tmp_path / "run", port, index) as process:
    line = next(line for line in process.stdout if "processes of the cluster" in line)
    assert line == "waiting for all 2 processes of the cluster\n"
    time.sleep(5)
    process.send_signal(number)
    _, errors = process.communicate(timeout=10)
  assert process.returncode == 128 + number
  kept = "nothing was saved" if index else f"the same command resumes from {tmp_path / 'run'}"
  assert errors.endswith(f"stopped by {number.name}; {kept}\n")  # --workdir alone would not: no flags are there yet.


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(keras, "__version__"), reason="Keras 2")
def test_a_port_that_is_in_use_is_an_error_of_one_line(tmp_path):
  with socket.socket() as used:
    used.bind(("", 0))
    used.listen()
    with start_alone(tmp_path / "run", used.getsockname()[1]) as process:
      _, errors = process.communicate(timeout=200)
  assert process.returncode == 1 and "Traceback" not in errors
  assert "error: this process cannot join the cluster of the training (" in errors and "is its port free" in errors


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(keras, "__version__"), reason="Keras 2")
def test_two_processes_that_are_told_to_end_leave_a_checkpoint_of_their_last_step(tmp_path):
  workdir, deadline = tmp_path / "run", time.monotonic() + 300
  processes = start(workdir, *IMAGES, "--checkpoint_steps=0", "--checkpoint_seconds=1000")
  while last_step(workdir) < 1:
    assert time.monotonic() < deadline and processes[0].poll() is None, processes[0].communicate()
    time.sleep(0.2)
  for process in reversed(processes):  # The one that does not write first.
    process.send_signal(signal.SIGTERM)
  errors = [process.communicate(timeout=200)[1] for process in processes]
  assert [process.returncode for process in processes] == [143, 143], errors
  assert all("stopped by SIGTERM; the same command resumes from" in error for error in errors)
  epochs = (metrics["epoch"] for metrics in read_history(str(workdir)))
  assert last_step(workdir) > max(epochs) * (512 - 51) // 64  # Within an epoch: there are no other checkpoints there.


def text_flags(directory):
  """Returns the flags of a training of a language model on a small text."""
  flags = ["--task=text", f"--text_dir={write_files(directory)}", f"--data_dir={directory}/prepared"]
  flags += ["--architecture=NAO-RNN", "--units=8", "--batch_size=4", "--epochs=6"]
  return [*flags, "--segment_length=10", "--learning_rate=5", "--averaging_patience=1"]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(keras, "__version__"), reason="Keras 2")
def test_two_processes_train_a_language_model_as_one_does(tmp_path):
  argv = [*text_flags(tmp_path), "--embedding_dropout=0"]
  argv += [f"--{name}_dropout=0" for name in ("input", "cell_input", "state", "output")]
  command = [sys.executable, "-m", "nao_tf.tools.train", f"--workdir={tmp_path / 'one'}", *argv]
  subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True, timeout=400)
  both = start(tmp_path / "both", *argv)
  errors = [process.communicate(timeout=400)[1] for process in both]
  assert [process.returncode for process in both] == [0, 0], errors
  history, expected = (read_history(str(tmp_path / name)) for name in ("both", "one"))
  assert len(history) == len(expected) == 6
  for ours, theirs in zip(history, expected):
    assert ours["train_loss"] == pytest.approx(theirs["train_loss"], rel=1e-3)
    assert ours["valid_loss"] == pytest.approx(theirs["valid_loss"], rel=1e-3)
    assert ours["averaging"] == theirs["averaging"]


def last_step(workdir):
  """Returns the number of the newest checkpoint, 0 if there is none."""
  return max((int(path.stem.split("-")[-1]) for path in workdir.glob("checkpoints/*.index")), default=0)


def finished(processes):
  """Waits until processes have ended well."""
  errors = [process.communicate(timeout=400)[1] for process in processes]
  assert [process.returncode for process in processes] == [0, 0], errors


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(keras, "__version__"), reason="Keras 2")
def test_a_language_model_of_two_processes_goes_on_to_the_bit_after_one_is_killed(tmp_path):
  argv = [*text_flags(tmp_path), "--epochs=12", "--checkpoint_steps=3"]
  finished(start(tmp_path / "whole", *argv))
  expected = read_history(str(tmp_path / "whole"))
  workdir, step = tmp_path / "killed", random.Random(1).randrange(20, 60)
  first, deadline = start(workdir, *argv), time.monotonic() + 300
  while last_step(workdir) < step:
    assert time.monotonic() < deadline and first[0].poll() is None, first[0].communicate()
    time.sleep(0.02)
  first[1].send_signal(signal.SIGKILL)
  time.sleep(1)  # The other one waits for it, or ends with an error.
  first[0].send_signal(signal.SIGKILL)
  for process in first:
    process.communicate()
  assert 0 < len(read_history(str(workdir))) < 12
  finished(start(workdir, *argv))
  history = read_history(str(workdir))
  assert [{**metrics, "seconds": 0} for metrics in history] == [{**metrics, "seconds": 0} for metrics in expected]
  assert len(history) == 12
