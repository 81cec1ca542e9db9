import json
import random
import threading
import time

import keras_tuner
import numpy as np
import pytest
from tensorflow import keras

from nao_tf.runs.run_lock import RunDirectoryInUse
from nao_tf.runs.settings import RunDirectoryError
from nao_tf.tuner.errors import SearchFailed
from nao_tf.tuner.nao_tuner import NAOTuner
from nao_tf.tuner.trial_watch import EXIT_CODE
from nao_tf.tuner.tuner import IDLE_SECONDS, StrategyTuner
from tests.support import tuner_cases as tuning
from tests.support.tuner_cases import (
  QUICK,
  ShapeTuner,
  in_project,
  make_oracle,
  read_trials,
  run,
  start,
  values_of,
  wait_for,
)

pytestmark = pytest.mark.usefixtures("no_graphs")

SMALL = {**QUICK["evolution"], "max_trials": 20}
NAO = {**QUICK["nao"], "max_trials": 12}


def data():
  x = np.random.default_rng(0).normal(size=(16, 4)).astype(np.float32)
  return {"x": x, "y": x[:, :1], "validation_data": (x, x[:, :1])}


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
  tuner = NAOTuner(tuning.build, "val_loss", 3, seed=0, executions_per_trial=2, **in_project(tmp_path))
  tuner.search(**data(), epochs=2, verbose=0, callbacks=[Counting(tmp_path / "epochs")])
  assert len((tmp_path / "epochs").read_text()) == 3 * 2 * 2
  assert [trial.status for trial in tuner.oracle.trials.values()] == ["COMPLETED"] * 3
  [model] = tuner.get_best_models()
  best = tuner.get_best_hyperparameters()[0]
  assert model.layers[0].units == best["units_0"]
  assert model.evaluate(data()["x"], data()["y"], verbose=0) >= 0


class OwnFit(keras_tuner.HyperModel):
  def build(self, hp):
    return tuning.build(hp)

  def fit(self, hp, model, *args, **kwargs):
    return hp.Float("decay", 0.5, 1.0) + hp["layers"]


def test_a_hypermodel_with_its_own_fit_is_tuned(tmp_path):
  tuner = NAOTuner(OwnFit(), max_trials=3, seed=0, **in_project(tmp_path))
  tuner.search(verbose=0)
  for trial in tuner.oracle.trials.values():
    assert trial.score == pytest.approx(trial.hyperparameters["decay"] + trial.hyperparameters["layers"])


def test_an_overridden_run_trial_is_tuned_without_a_hypermodel(tmp_path):
  class Parabola(NAOTuner):
    def run_trial(self, trial, **kwargs):
      return (trial.hyperparameters.Float("x", -1, 1) - 0.5) ** 2

  tuner = Parabola(max_trials=8, num_initial_points=8, seed=0, **in_project(tmp_path))
  tuner.search()
  assert len(tuner.oracle.trials) == 8 and tuner.oracle.get_best_trials()[0].score < 0.3


def test_an_exception_in_a_trial_is_a_failure_with_its_message(tmp_path):
  class Broken(NAOTuner):
    def run_trial(self, trial, **kwargs):
      raise OSError("no such data")

  tuner = Broken(max_trials=5, max_consecutive_failed_trials=2, **in_project(tmp_path))
  tuner.oracle.update_space(tuning.six())
  with pytest.raises(RuntimeError, match="no such data"):
    tuner.search()
  assert [trial["status"] for trial in read_trials(tmp_path)] == ["FAILED", "FAILED"]


class Parabola(NAOTuner):
  """Tunes one number, without a hypermodel."""

  def run_trial(self, trial, **kwargs):
    return (trial.hyperparameters.Float("x", -1, 1) - 0.5) ** 2


@pytest.mark.parametrize("max_consecutive_failed_trials", [5, 0])
def test_a_search_of_which_all_trials_failed_does_not_end_as_if_it_went_well(tmp_path, max_consecutive_failed_trials):
  class Broken(Parabola):
    def run_trial(self, trial, **kwargs):
      super().run_trial(trial)
      raise OSError("no such data")

  limit = {"max_consecutive_failed_trials": max_consecutive_failed_trials}
  tuner = Broken(max_trials=2, seed=0, **limit, **in_project(tmp_path))
  with pytest.raises(SearchFailed, match=r"all 2 trials failed(.|\n)*no such data"):
    tuner.search()
  with pytest.raises(SearchFailed, match="all 2 trials failed"):
    Broken(max_trials=2, seed=0, **limit, **in_project(tmp_path)).search()


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit])
def test_an_interruption_ends_the_search_at_once_and_another_tuner_goes_on(tmp_path, interruption):
  class Interrupted(Parabola):
    def run_trial(self, trial, **kwargs):
      if trial.trial_id == "2":
        raise interruption
      return super().run_trial(trial)

  options = {"max_trials": 5, "seed": 0, "num_initial_points": 5, "trial_timeout": 600.0}
  tuner = Interrupted(**options, **in_project(tmp_path))
  with pytest.raises(interruption):
    tuner.search()
  assert len(tuner.oracle.end_order) == 2
  timers = [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]
  assert all(timer.finished.is_set() for timer in timers)  # Nothing will end this process.
  resumed = Parabola(**options, **in_project(tmp_path))
  resumed.search()
  whole = Parabola(**options, **in_project(tmp_path / "whole"))
  whole.search()
  assert tuning.values_of(resumed.oracle) == tuning.values_of(whole.oracle)


def test_arguments_that_no_trial_can_take_are_refused_before_the_first_one(tmp_path):
  class Strict(Parabola):
    def run_trial(self, trial):
      return super().run_trial(trial)

  tuner = Strict(max_trials=3, **in_project(tmp_path))
  with pytest.raises(TypeError, match=r"run_trial.*'epochs'"):
    tuner.search(epochs=3)
  assert not tuner.oracle.trials


# The directory of a project.


def test_a_project_on_which_another_process_works_is_refused(tmp_path):
  process = start(str(tmp_path), "evolution", 1000.0, SMALL)
  wait_for(tmp_path / "project" / "running_tuner0")
  tuner = ShapeTuner(make_oracle(**SMALL), **in_project(tmp_path))  # Reading is allowed.
  with pytest.raises(RunDirectoryInUse, match=f"process {process.pid} on"):
    tuner.search(verbose=0)
  with pytest.raises(RunDirectoryInUse):
    ShapeTuner(make_oracle(**SMALL), overwrite=True, **in_project(tmp_path))
  process.kill()
  process.join()
  ShapeTuner(make_oracle(**SMALL), **in_project(tmp_path)).search(verbose=0)
  assert [trial["status"] for trial in read_trials(tmp_path)] == ["COMPLETED"] * 20
  with pytest.raises(RunDirectoryError, match="another process has resumed"):
    tuner.search(verbose=0)


def test_a_second_tuner_in_the_same_process_goes_on_with_the_project(tmp_path):
  tuners = [Parabola(max_trials=n, num_initial_points=4, seed=0, **in_project(tmp_path)) for n in (2, 4)]
  tuners[0].search()
  again = Parabola(max_trials=4, num_initial_points=4, seed=0, **in_project(tmp_path))
  again.search()
  assert len(again.oracle.end_order) == 4
  again.search()  # Nothing is left to do.


def test_a_project_goes_on_whatever_the_tuner_is_called(tmp_path, monkeypatch):
  monkeypatch.setenv("KERASTUNER_TUNER_ID", "first")
  Parabola(max_trials=2, num_initial_points=4, seed=0, **in_project(tmp_path)).search()
  monkeypatch.setenv("KERASTUNER_TUNER_ID", "second")
  tuner = Parabola(max_trials=4, num_initial_points=4, seed=0, **in_project(tmp_path))
  assert len(tuner.oracle.end_order) == 2


def test_a_worker_does_not_overwrite_the_project_of_its_chief(tmp_path, monkeypatch):
  Parabola(max_trials=2, num_initial_points=4, seed=0, **in_project(tmp_path)).search()
  for name, value in (("ORACLE_IP", "localhost"), ("ORACLE_PORT", "1"), ("TUNER_ID", "worker")):
    monkeypatch.setenv(f"KERASTUNER_{name}", value)
  Parabola(max_trials=4, num_initial_points=4, seed=0, overwrite=True, **in_project(tmp_path))
  assert len(read_trials(tmp_path)) == 2


@pytest.mark.slow
def test_a_directory_may_have_characters_that_patterns_have(tmp_path):
  directory = tmp_path / "a[1]*?"
  options = {"objective": "val_loss", "seed": 0, **in_project(directory)}
  NAOTuner(tuning.build, max_trials=1, **options).search(**data(), epochs=1, verbose=0)
  tuner = NAOTuner(tuning.build, max_trials=2, **options)
  tuner.search(**data(), epochs=1, verbose=0)
  assert len(tuner.oracle.end_order) == 2
  loss = tuner.oracle.get_best_trials()[0].score
  [model] = tuner.get_best_models()
  x, y = data()["validation_data"]
  model.compile(loss="mse")
  assert model.evaluate(x, y, verbose=0) == pytest.approx(loss, rel=1e-4)


# A trial that hangs.


def test_a_trial_that_hangs_ends_its_process_and_the_search_goes_on_without_it(tmp_path):
  options = {**SMALL, "trial_timeout": 3.0}
  process = start(str(tmp_path), "evolution", 1000.0, options)
  process.join(100)
  assert process.exitcode == EXIT_CODE
  [trial] = read_trials(tmp_path)
  assert trial["status"] == "FAILED" and "trial_timeout=3 seconds" in trial["message"]
  assert len(finish(tmp_path, options=options)) == SMALL["max_trials"]


def test_an_exhausted_space_ends_the_search(tmp_path):
  class Booleans(NAOTuner):
    def run_trial(self, trial, **kwargs):
      return float(trial.hyperparameters.Boolean("a") + trial.hyperparameters.Boolean("b"))

  tuner = Booleans(max_trials=15, seed=0, **in_project(tmp_path))
  tuner.search()
  assert len(tuner.oracle.trials) == 4


def test_another_oracle_is_refused():
  with pytest.raises(ValueError, match="StrategyOracle"):
    StrategyTuner(keras_tuner.oracles.RandomSearchOracle("val_loss", 3), tuning.build)


# The space that a hypermodel spans.


@pytest.mark.parametrize("name", QUICK)
def test_every_configuration_that_is_handed_out_builds(tmp_path, name):
  oracle = make_oracle(name, keras_tuner.HyperParameters(), max_trials=12, **QUICK[name])
  tuner = StrategyTuner(oracle, tuning.branching, **in_project(tmp_path))
  tuner.oracle.verbose = 0
  for _ in range(12):
    trial = tuner.oracle.create_trial("tuner0")
    values = dict(trial.hyperparameters.values)
    assert isinstance(tuning.branching(trial.hyperparameters), keras.Model)
    assert values.items() <= trial.hyperparameters.values.items()
    tuning.end(tuner.oracle, trial, float(len(str(values))))


# NAO.


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

  tuner = Idle(make_oracle(max_trials=1), **in_project(tmp_path))
  statuses = iter(["IDLE"] * 3 + ["STOPPED"])
  hp = keras_tuner.HyperParameters()
  tuner.oracle.create_trial = lambda tuner_id: keras_tuner.engine.trial.Trial(hp, "0", next(statuses))
  before = time.monotonic()
  tuner.search()
  assert tuner.asked == 4 and time.monotonic() - before >= 3 * IDLE_SECONDS
