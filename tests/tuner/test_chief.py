import contextlib
import json
import os
import random
import socket
import threading

import grpc
import keras_tuner
import pytest
from keras_tuner.src import protos

from nao_tf.tuner.chief import serve
from nao_tf.tuner.heartbeats import send_heartbeat
from nao_tf.tuner.trial_watch import EXIT_CODE
from tests.support import tuner_cases as tuning
from tests.support.tuner_cases import free_port, in_project, open_oracle, read_trials, start, wait_for


class Serving:
  """A chief in a thread, with the environment of a worker around it."""

  def __init__(self, oracle, monkeypatch, worker="worker"):
    port = free_port()
    self.address = f"localhost:{port}"
    monkeypatch.setenv("KERASTUNER_ORACLE_IP", "localhost")
    monkeypatch.setenv("KERASTUNER_ORACLE_PORT", str(port))
    monkeypatch.setenv("KERASTUNER_TUNER_ID", worker)
    self._thread = threading.Thread(target=serve, args=(oracle, self.address), daemon=True)
    self._thread.start()

  def ends(self, seconds=10):
    """Whether the chief ends within so many seconds."""
    self._thread.join(seconds)
    return not self._thread.is_alive()


class PlainTuner(keras_tuner.Tuner):
  """A tuner of KerasTuner's own, which sends no heartbeats."""

  def run_trial(self, trial, **kwargs):
    return {"score": tuning.score(trial.hyperparameters.values)}


def test_a_tuner_that_sends_no_heartbeats_is_served(tmp_path, monkeypatch):
  oracle = open_oracle(tmp_path, max_trials=5)
  chief = Serving(oracle, monkeypatch)
  other = keras_tuner.oracles.RandomSearchOracle(oracle.objective, 5)  # Asked nothing: the chief's decides.
  PlainTuner(oracle=other, **in_project(tmp_path / "worker")).search(verbose=0)
  assert chief.ends()
  assert [trial.status for trial in oracle.trials.values()] == ["COMPLETED"] * 5
  assert tuning.values_of(oracle) == tuning.run(open_oracle(tmp_path / "alone", max_trials=5), 5)


def test_a_heartbeat_puts_a_worker_on_the_roll(tmp_path, monkeypatch):
  oracle = open_oracle(tmp_path, max_trials=1)
  chief = Serving(oracle, monkeypatch)
  with grpc.insecure_channel(chief.address) as channel:
    send_heartbeat(channel, "worker")
  assert "worker" in oracle._workers and not chief.ends(1.5)
  tuning.run(oracle, 2, tuner_id="worker")
  assert chief.ends()


# Strangers.


def stub_of(channel):
  """Returns the calls of KerasTuner."""
  return protos.get_service_grpc().OracleStub(channel)


def send_bytes(address, data):
  """Sends bytes to an address and waits for the answer."""
  host, port = address.split(":")
  with socket.create_connection((host, int(port)), timeout=5) as connection:
    connection.sendall(data)
    with contextlib.suppress(OSError):
      connection.recv(1024)


def test_bytes_that_are_no_calls_and_callers_who_say_nothing_disturb_no_search(tmp_path, monkeypatch):
  oracle = open_oracle(tmp_path, max_trials=3)
  chief, rng = Serving(oracle, monkeypatch), random.Random(0)
  with grpc.insecure_channel(chief.address) as channel, contextlib.ExitStack() as stack:
    grpc.channel_ready_future(channel).result(30)
    for size in (1, 24, 5000):
      send_bytes(chief.address, rng.randbytes(size))
    send_bytes(chief.address, b"GET / HTTP/1.1\r\n\r\n")
    port = int(chief.address.split(":")[1])
    stack.enter_context(socket.create_connection(("localhost", port), timeout=5))
    half_sent = channel.stream_unary("/keras_tuner.Oracle/CreateTrial")
    said = threading.Event()
    stack.callback(said.set)
    half_sent.future(iter(lambda: said.wait(60) or b"", None))
    PlainTuner(oracle=keras_tuner.oracles.RandomSearchOracle(oracle.objective, 3), **in_project(tmp_path / "w")).search(
      verbose=0
    )
    assert [trial.status for trial in oracle.trials.values()] == ["COMPLETED"] * 3
  assert chief.ends()


def requests(oracle):
  """Returns calls that make no sense, by what is wrong with them."""
  service, trial = protos.get_service(), oracle.trials["0"]
  unknown, running = tuning.over_messages(trial), tuning.over_messages(trial)
  unknown.trial_id, running.status = "nonsense", "RUNNING"
  return {
    "a trial for nobody": ("CreateTrial", service.CreateTrialRequest()),
    "metrics of no trial": ("UpdateTrial", service.UpdateTrialRequest(trial_id="nonsense", metrics={"score": 1.0})),
    "metrics without the objective": ("UpdateTrial", service.UpdateTrialRequest(trial_id="0", metrics={"other": 1.0})),
    "the end of no trial": ("EndTrial", service.EndTrialRequest(trial=unknown.to_proto())),
    "an end that is none": ("EndTrial", service.EndTrialRequest(trial=running.to_proto())),
    "a question about no trial": ("GetTrial", service.GetTrialRequest(trial_id="../..")),
  }


def test_calls_that_make_no_sense_are_refused_and_change_nothing(tmp_path, monkeypatch, caplog):
  oracle = open_oracle(tmp_path, max_trials=1)
  oracle.create_trial("worker")
  chief = Serving(oracle, monkeypatch)
  state = oracle.get_state()
  with grpc.insecure_channel(chief.address) as channel:
    for what, (call, request) in requests(oracle).items():
      with pytest.raises(grpc.RpcError) as raised:
        getattr(stub_of(channel), call)(request, wait_for_ready=True, timeout=30)
      assert raised.value.code() in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND), what
    assert oracle.get_state() == state and oracle.trials["0"].status == "RUNNING"
    tuning.end(oracle, oracle.trials["0"], 1.0)
    late = protos.get_service().UpdateTrialRequest(trial_id="0", metrics={"score": float("nan")})
    stub_of(channel).UpdateTrial(late, timeout=30)
    stub_of(channel).EndTrial(protos.get_service().EndTrialRequest(trial=oracle.trials["0"].to_proto()), timeout=30)
  assert oracle.trials["0"].score == 1.0 and oracle.end_order == ["0"]
  tuning.run(oracle, 1, tuner_id="worker")
  assert chief.ends()


def test_metrics_that_are_not_finite_make_a_failed_trial(tmp_path, monkeypatch):
  oracle = open_oracle(tmp_path, max_trials=1)
  chief = Serving(oracle, monkeypatch)

  class Infinite(PlainTuner):
    def run_trial(self, trial, **kwargs):
      return {"score": float("nan"), "other": float("inf")}

  other = keras_tuner.oracles.RandomSearchOracle(oracle.objective, 1)
  Infinite(oracle=other, **in_project(tmp_path / "worker")).search(verbose=0)
  assert chief.ends() and oracle.trials["0"].status == "FAILED"


def test_a_chief_says_so_when_other_machines_can_reach_it(tmp_path, monkeypatch, caplog):
  for ip, warned in (("localhost", False), ("0.0.0.0", True)):
    caplog.clear()
    oracle = open_oracle(tmp_path / ip, max_trials=1)
    tuning.run(oracle, 2)
    serve(oracle, f"{ip}:{free_port()}")
    assert ("must be trusted" in caplog.text) == warned


def test_a_second_chief_at_the_same_address_is_refused(tmp_path, monkeypatch):
  oracle = open_oracle(tmp_path, max_trials=1)
  chief = Serving(oracle, monkeypatch)
  with grpc.insecure_channel(chief.address) as channel:
    grpc.channel_ready_future(channel).result(30)
  with pytest.raises(RuntimeError, match="address"):
    serve(open_oracle(tmp_path / "second"), chief.address)
  tuning.run(oracle, 2)
  assert chief.ends()


def test_an_address_that_cannot_be_used_is_refused(tmp_path):
  with pytest.raises(RuntimeError, match="address"):
    serve(open_oracle(tmp_path), "nowhere.invalid:1")


# In processes of their own.


def member(directory, port, tuner_id, seconds, options):
  environment = {
    "KERASTUNER_ORACLE_IP": "localhost",
    "KERASTUNER_ORACLE_PORT": str(port),
    "KERASTUNER_TUNER_ID": tuner_id,
  }
  return start(str(directory), "random", seconds, options, environment)


def test_a_chief_and_three_workers_finish_although_one_of_them_is_killed_in_a_trial(tmp_path):
  options, port = {"max_trials": 12, "worker_timeout": 3.0}, free_port()
  chief = member(tmp_path, port, "chief", 0.0, options)
  doomed = member(tmp_path, port, "doomed", 1000.0, options)
  workers = [member(tmp_path, port, f"worker{i}", 0.2, options) for i in range(2)]
  wait_for(tmp_path / "project" / "running_doomed")
  doomed.kill()
  lost = (tmp_path / "project" / "running_doomed").read_text()
  for process in (*workers, chief):
    process.join(90)
    assert process.exitcode == 0
  trials = read_trials(tmp_path)
  assert [trial["status"] for trial in trials] == ["COMPLETED"] * 12
  assert lost in [trial["trial_id"] for trial in trials]
  values = [trial["hyperparameters"]["values"] for trial in trials]
  assert len({json.dumps(v, sort_keys=True) for v in values}) == 12
  assert [t["score"] for t in trials] == pytest.approx([tuning.score(v) for v in values], rel=1e-5)


def test_a_worker_that_hangs_in_a_trial_is_ended_and_the_search_ends_with_all_trials(tmp_path):
  options, port = {"max_trials": 8, "trial_timeout": 4.0, "max_retries_per_trial": 1}, free_port()
  chief = member(tmp_path, port, "chief", 0.0, options)
  stuck = member(tmp_path, port, "stuck", 1000.0, options)
  wait_for(tmp_path / "project" / "running_stuck")
  worker = member(tmp_path, port, "worker", 0.1, options)
  for process in (worker, chief):
    process.join(90)
    assert process.exitcode == 0
  stuck.join(30)
  assert stuck.exitcode == EXIT_CODE
  assert [trial["status"] for trial in read_trials(tmp_path)] == ["COMPLETED"] * 8


class FailingTuner(tuning.ShapeTuner):
  """Raises in its trials, if it is a worker."""

  def run_trial(self, trial, **kwargs):
    raise OSError("no such data")


def fail(directory, port, tuner_id):
  """Takes part in a search in which every trial fails. Top level, so that another process can be told to do it."""
  os.environ.update(KERASTUNER_ORACLE_IP="localhost", KERASTUNER_ORACLE_PORT=str(port), KERASTUNER_TUNER_ID=tuner_id)
  oracle = tuning.make_oracle("random", max_trials=9, max_consecutive_failed_trials=2)
  FailingTuner(oracle, **in_project(directory)).search(verbose=0)


def test_why_a_trial_failed_in_a_worker_is_recorded_and_a_row_of_failures_ends_the_search(tmp_path):
  port = free_port()
  processes = [start(str(tmp_path), port, name, target=fail) for name in ("chief", "worker")]
  for process in processes:
    process.join(90)
    assert process.exitcode == 1
  trials = read_trials(tmp_path)
  assert [trial["status"] for trial in trials] == ["FAILED"] * 2
  assert all("OSError: no such data" in trial["message"] for trial in trials)


def kill_in_a_trial(directory, process, tuner_id):
  """Kills a worker once it is in a trial."""
  path = directory / "project" / f"running_{tuner_id}"
  wait_for(path)
  process.kill()
  process.join()
  path.unlink()


@pytest.mark.slow
def test_a_chief_that_is_killed_and_started_again_loses_no_trial(tmp_path):
  options, port = {"max_trials": 12, "worker_timeout": 5.0}, free_port()
  chief = member(tmp_path, port, "chief", 0.0, options)
  workers = [member(tmp_path, port, f"worker{i}", 0.5, options) for i in range(2)]
  wait_for(tmp_path / "project" / "trial_04" / "trial.json")
  chief.kill()
  chief.join()
  ended = {trial["trial_id"]: trial["score"] for trial in read_trials(tmp_path) if trial["status"] == "COMPLETED"}
  assert ended
  chief = member(tmp_path, port, "chief", 0.0, options)
  for process in (*workers, chief):
    process.join(90)
    assert process.exitcode == 0
  trials = {trial["trial_id"]: trial["score"] for trial in read_trials(tmp_path) if trial["status"] == "COMPLETED"}
  assert len(trials) == 12 and ended.items() <= trials.items()


@pytest.mark.slow
def test_a_chief_waits_for_new_workers_when_all_have_died(tmp_path):
  options, port = {"max_trials": 3, "worker_timeout": 2.0}, free_port()
  chief = member(tmp_path, port, "chief", 0.0, options)
  kill_in_a_trial(tmp_path, member(tmp_path, port, "first", 1000.0, options), "first")
  member(tmp_path, port, "second", 0.0, options).join(60)
  chief.join(60)
  assert chief.exitcode == 0
  assert [trial["status"] for trial in read_trials(tmp_path)] == ["COMPLETED"] * 3


@pytest.mark.slow
def test_a_chief_ends_by_itself_when_nothing_is_left_to_do_and_nobody_to_tell(tmp_path):
  options, port = {"max_trials": 1, "worker_timeout": 2.0}, free_port()
  chief = member(tmp_path, port, "chief", 0.0, options)
  for name in ("first", "second", "third"):
    kill_in_a_trial(tmp_path, member(tmp_path, port, name, 1000.0, options), name)
  chief.join(60)
  assert chief.exitcode == 1  # All trials failed.
  assert [trial["status"] for trial in read_trials(tmp_path)] == ["FAILED"]
