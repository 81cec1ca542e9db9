import json
import random
import shutil
import socket
import time

import keras_tuner
import numpy as np
import pytest
from tensorflow import keras

from nao_tf.tuner.tuner import IDLE_SECONDS, NAOOracle, NAOTuner, StrategyTuner
from tests.support import tuner_cases as tuning
from tests.support.tuner_cases import QUICK, ShapeTuner, make_oracle, read_trials, run, start, values_of, wait_for

SMALL = {**QUICK["evolution"], "max_trials": 20}
NAO = {**QUICK["nao"], "max_trials": 12}


def build(hp):
  model = keras.Sequential([keras.layers.Input((4,))])
  for i in range(hp.Int("layers", 1, 2)):
    model.add(keras.layers.Dense(hp.Choice(f"units_{i}", [2, 4]), activation="relu"))
  model.add(keras.layers.Dense(1))
  model.compile(hp.Choice("optimizer", ["sgd", "adam"]), "mse")
  return model


def data():
  x = np.random.default_rng(0).normal(size=(16, 4)).astype(np.float32)
  return {"x": x, "y": x[:, :1], "validation_data": (x, x[:, :1])}


def settings(directory, **options):
  return {"directory": str(directory), "project_name": "project", **options}


# The tuner does what KerasTuner's own does.


class Counting(keras.callbacks.Callback):
  """Counts epochs in a file, since a tuner copies callbacks."""

  def __init__(self, path):
    super().__init__()
    self.path = path

  def on_epoch_end(self, epoch, logs=None):
    with open(self.path, "a") as file:
      file.write(".")


def test_a_function_that_builds_models_is_tuned_with_callbacks_and_several_executions(tmp_path):
  tuner = NAOTuner(build, "val_loss", 3, seed=0, executions_per_trial=2, **settings(tmp_path))
  tuner.search(**data(), epochs=2, verbose=0, callbacks=[Counting(tmp_path / "epochs")])
  assert len((tmp_path / "epochs").read_text()) == 3 * 2 * 2
  assert [trial.status for trial in tuner.oracle.trials.values()] == ["COMPLETED"] * 3
  [model] = tuner.get_best_models()
  best = tuner.get_best_hyperparameters()[0]
  assert model.layers[0].units == best["units_0"]
  assert model.evaluate(data()["x"], data()["y"], verbose=0) >= 0


class OwnFit(keras_tuner.HyperModel):
  def build(self, hp):
    return build(hp)

  def fit(self, hp, model, *args, **kwargs):
    return hp.Float("decay", 0.5, 1.0) + hp["layers"]


def test_a_hypermodel_with_its_own_fit_is_tuned(tmp_path):
  tuner = NAOTuner(OwnFit(), max_trials=3, seed=0, **settings(tmp_path))
  tuner.search(verbose=0)
  for trial in tuner.oracle.trials.values():
    assert trial.score == pytest.approx(trial.hyperparameters["decay"] + trial.hyperparameters["layers"])


def test_an_overridden_run_trial_is_tuned_without_a_hypermodel(tmp_path):
  class Parabola(NAOTuner):
    def run_trial(self, trial, **kwargs):
      return (trial.hyperparameters.Float("x", -1, 1) - 0.5) ** 2

  tuner = Parabola(max_trials=8, num_initial_points=8, seed=0, **settings(tmp_path))
  tuner.search()
  assert len(tuner.oracle.trials) == 8 and tuner.oracle.get_best_trials()[0].score < 0.3


def test_an_exception_in_a_trial_is_a_failure_with_its_message(tmp_path):
  class Broken(NAOTuner):
    def run_trial(self, trial, **kwargs):
      raise OSError("no such data")

  tuner = Broken(max_trials=5, max_consecutive_failed_trials=2, **settings(tmp_path))
  tuner.oracle.update_space(tuning.six())
  with pytest.raises(RuntimeError, match="no such data"):
    tuner.search()
  assert [trial["status"] for trial in read_trials(tmp_path)] == ["FAILED", "FAILED"]


def test_an_exhausted_space_ends_the_search(tmp_path):
  class Booleans(NAOTuner):
    def run_trial(self, trial, **kwargs):
      return float(trial.hyperparameters.Boolean("a") + trial.hyperparameters.Boolean("b"))

  tuner = Booleans(max_trials=15, seed=0, **settings(tmp_path))
  tuner.search()
  assert len(tuner.oracle.trials) == 4


def test_another_oracle_is_refused():
  with pytest.raises(ValueError, match="StrategyOracle"):
    StrategyTuner(keras_tuner.oracles.RandomSearchOracle("val_loss", 3), build)


# The space that a hypermodel spans.


def branching(hp):
  kind = hp.Choice("kind", ["plain", "deep"])
  with hp.conditional_scope("kind", ["deep"]):
    if kind == "deep":
      for i in range(hp.Int("depth", 1, 4, default=2)):
        hp.Int(f"width_{i}", 1, 8)
      with hp.conditional_scope("depth", [4]):
        hp.Boolean("skip")
  with hp.conditional_scope("kind", ["plain"]):
    hp.Float("gain", 0, 1)
  return build(hp)


def test_every_conditional_scope_is_explored_and_the_same_space_is_found_each_time(tmp_path):
  spaces = []
  for i in range(3):
    tuner = NAOTuner(branching, "val_loss", seed=0, **settings(tmp_path / str(i)))
    spaces.append([hp.name for hp in tuner.oracle.get_space().space])
  assert spaces[0] == spaces[1] == spaces[2]
  assert {"kind", "depth", "width_0", "width_3", "skip", "gain", "layers"} <= set(spaces[0])


def test_a_model_that_is_refused_while_the_space_is_explored_is_no_error(tmp_path):
  def too_large(hp):
    hp.Int("size", 1, 3)
    raise keras_tuner.errors.FailedTrialError("too large")

  tuner = NAOTuner(too_large, "val_loss", **settings(tmp_path))
  assert [hp.name for hp in tuner.oracle.get_space().space] == ["size"]


@pytest.mark.parametrize("name", QUICK)
def test_every_configuration_that_is_handed_out_builds(tmp_path, name):
  oracle = make_oracle(name, keras_tuner.HyperParameters(), max_trials=12, **QUICK[name])
  tuner = StrategyTuner(oracle, branching, **settings(tmp_path))
  tuner.oracle.verbose = 0
  for _ in range(12):
    trial = tuner.oracle.create_trial("tuner0")
    values = dict(trial.hyperparameters.values)
    assert isinstance(branching(trial.hyperparameters), keras.Model)
    assert values.items() <= trial.hyperparameters.values.items()
    tuning.end(tuner.oracle, trial, float(len(str(values))))


# NAO.


def test_without_a_number_there_are_thrice_as_many_as_hyperparameters(tmp_path):
  oracle = tuning.open_oracle(tmp_path, "nao")
  run(oracle, 1)
  assert oracle._proposals.strategy.config.num_initial == 3 * 5


def test_a_search_with_nao_begins_with_random_points_and_goes_on_from_the_saved_controller(tmp_path):
  oracle = tuning.open_oracle(tmp_path / "whole", "nao", **NAO)
  run(oracle, 8)
  shutil.copytree(tmp_path / "whole", tmp_path / "cut")
  run(oracle, 4)
  origins = oracle._proposals.origins
  assert origins[:4] == ["random"] * 4 and all("#" in origin for origin in origins[4:])
  resumed = tuning.open_oracle(tmp_path / "cut", "nao", **NAO)
  run(resumed, 4)
  assert values_of(resumed) == values_of(oracle)


@pytest.mark.parametrize("points", [0, -1])
def test_a_number_of_initial_points_below_1_is_refused(points):
  with pytest.raises(ValueError, match="num_initial_points"):
    NAOOracle("val_loss", num_initial_points=points)


# A killed process.


def whole_search(directory, name="evolution", options=SMALL):
  oracle = tuning.open_oracle(directory, name, **options)
  run(oracle, 100)
  return values_of(oracle)


def finish(directory, name="evolution", options=SMALL):
  process = start(str(directory), name, 0.0, options)
  process.join(100)
  assert process.exitcode == 0
  return [trial["hyperparameters"]["values"] for trial in read_trials(directory)]


def test_killed_during_the_first_trial_the_search_goes_on_with_it(tmp_path):
  process = start(str(tmp_path / "killed"), "evolution", 100.0, SMALL)
  wait_for(tmp_path / "killed" / "project" / "running_tuner0")
  process.kill()
  process.join()
  assert finish(tmp_path / "killed") == whole_search(tmp_path / "whole")


def kill_at_random_moments(directory, name, options, seconds, delays):
  """Starts a search again and again and kills it after delays; each time, all its files are whole."""
  for delay in delays:
    process = start(str(directory), name, seconds, options)
    wait_for(directory / "project" / "running_tuner0")
    time.sleep(delay)
    assert process.is_alive(), "the search was over before it could be killed"
    process.kill()
    process.join()
    (directory / "project" / "running_tuner0").unlink()
    for path in directory.rglob("*.json"):
      json.loads(path.read_text())


def test_killed_at_random_moments_the_trials_are_the_same(tmp_path):
  rng, options = random.Random(0), {**SMALL, "max_trials": 40}
  delays = [rng.uniform(0, 0.5) for _ in range(4)]
  kill_at_random_moments(tmp_path / "killed", "evolution", options, 0.05, delays)
  assert finish(tmp_path / "killed", options=options) == whole_search(tmp_path / "whole", options=options)


def weights_of(directory):
  """Returns what the last controller of a project had learned."""
  path = max((directory / "project" / "strategy").glob("stage_*/nao.npz"))
  with np.load(path) as arrays:
    return {name: arrays[name] for name in arrays.files if name != "learned"}


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_killed_at_random_moments_nao_goes_on_to_the_same_trials_with_the_same_weights(tmp_path, seed):
  rng, options = random.Random(seed), {**NAO, "seed": seed, "max_trials": 24}
  delays = [rng.uniform(0, 1.0) for _ in range(4)]
  kill_at_random_moments(tmp_path / "killed", "nao", options, 0.2, delays)
  assert finish(tmp_path / "killed", "nao", options) == finish(tmp_path / "whole", "nao", options)
  killed, whole = weights_of(tmp_path / "killed"), weights_of(tmp_path / "whole")
  assert killed.keys() == whole.keys() and len(whole) > 10
  for name, array in whole.items():
    np.testing.assert_allclose(killed[name], array, rtol=1e-5, atol=1e-6, err_msg=name)


@pytest.mark.slow
def test_killed_in_a_later_round_nao_goes_on_to_the_same_trials(tmp_path):
  process = start(str(tmp_path / "killed"), "nao", 0.1, NAO)
  wait_for(tmp_path / "killed" / "project" / "trial_08" / "trial.json")
  process.kill()
  process.join()
  assert finish(tmp_path / "killed", "nao", NAO) == whole_search(tmp_path / "whole", "nao", NAO)


# Chief and workers.


def test_an_idle_worker_does_not_spin(tmp_path):
  class Idle(ShapeTuner):
    asked = 0

    def pre_create_trial(self):
      self.asked += 1
      super().pre_create_trial()

  tuner = Idle(make_oracle(max_trials=1), **settings(tmp_path))
  statuses = iter(["IDLE"] * 3 + ["STOPPED"])
  hp = keras_tuner.HyperParameters()
  tuner.oracle.create_trial = lambda tuner_id: keras_tuner.engine.trial.Trial(hp, "0", next(statuses))
  before = time.monotonic()
  tuner.search()
  assert tuner.asked == 4 and time.monotonic() - before >= 3 * IDLE_SECONDS


def free_port():
  with socket.socket() as probe:
    probe.bind(("localhost", 0))
    return probe.getsockname()[1]


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
