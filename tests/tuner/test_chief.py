import json
import threading

import grpc
import keras_tuner
import pytest

from nao_tf.tuner.chief import serve
from nao_tf.tuner.heartbeats import send_heartbeat
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
  assert chief.exitcode == 0
  assert [trial["status"] for trial in read_trials(tmp_path)] == ["FAILED"]
