"""Small real searches with KerasTuner that several tests need, also in processes that can be killed."""

import json
import math
import multiprocessing
import os
import socket
import threading
import time

import keras_tuner
import tensorflow as tf
from tensorflow import keras

from nao_tf.controller.config import ControllerConfig
from nao_tf.strategies.evolution import EvolutionConfig
from nao_tf.strategies.nao_config import NaoConfig
from nao_tf.tuner.nao_tuner import NAOOracle
from nao_tf.tuner.oracle import StrategyOracle
from nao_tf.tuner.tuner import StrategyTuner

_CONTROLLER = ControllerConfig(
  num_steps=2, later_steps=1, min_passes=0, decoder_every=1, encoder_size=8, mlp_size=16, num_encodings=2
)
# Options of oracles with which what was learned comes into play within a few trials. The controller learns next to
# nothing; without graphs (fixture `no_graphs`), its rounds take a fraction of a second.
QUICK = {
  "nao": {
    "num_initial_points": 4,
    "config": NaoConfig(
      controller=_CONTROLLER,
      ensemble_size=1,
      round_size=3,
      step_sizes=(1.0,),
      temperatures=(1.0,),
      oversampling=2.0,
      num_unlabeled=16,
    ),
  },
  "evolution": {"config": EvolutionConfig(population_size=6, tournament_size=3)},
  "random": {},
}


def shapes():
  """Nested conditions, a wide integer, a logarithmic float, a step, an unordered choice and a constant."""
  hp = keras_tuner.HyperParameters()
  hp.Choice("shape", ["round", "square", "line"])
  with hp.conditional_scope("shape", ["round", "square"]):
    hp.Boolean("filled")
    with hp.conditional_scope("filled", [True]):
      hp.Int("shade", 0, 255)
  with hp.conditional_scope("shape", ["round"]):
    hp.Float("radius", 1e-3, 1e3, sampling="log")
  with hp.conditional_scope("shape", ["square"]):
    hp.Int("side", 10, 100, step=10)
  hp.Fixed("pen", "thin")
  return hp


def six():
  """Six configurations in four hyperparameters: two when on and four when off."""
  hp = keras_tuner.HyperParameters()
  hp.Boolean("on")
  with hp.conditional_scope("on", [True]):
    hp.Choice("color", ["red", "blue"])
  with hp.conditional_scope("on", [False]):
    hp.Int("low", 0, 1)
    hp.Int("high", 2, 3)
  return hp


def build(hp):
  """Builds a small model with conditional hyperparameters."""
  model = keras.Sequential([keras.layers.Input((4,))])
  for i in range(hp.Int("layers", 1, 2)):
    model.add(keras.layers.Dense(hp.Choice(f"units_{i}", [2, 4]), activation="relu"))
  model.add(keras.layers.Dense(1))
  model.compile(hp.Choice("optimizer", ["sgd", "adam"]), "mse")
  return model


def in_project(directory, **options):
  """Returns arguments of a tuner: a project in a directory, and other ones."""
  return {"directory": str(directory), "project_name": "project", **options}


def branching(hp):
  """Builds the small model, within scopes of which some are only met in others."""
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


def score(values):
  """Returns a figure to minimize; it has no ties to speak of."""
  result = {"round": 0.0, "square": 1.0, "line": 2.0}[values["shape"]] + values.get("shade", 300) / 1000
  result += abs(math.log10(values.get("radius", 1e4)) - 1) / 7
  return result + values.get("side", 0) / 1000


def make_oracle(name="evolution", space=None, **options):
  """Returns an oracle over `shapes`, or over another space."""
  options = {"objective": keras_tuner.Objective("score", "min"), "seed": 0, "max_trials": 30, **options}
  options["hyperparameters"] = shapes() if space is None else space
  return NAOOracle(**options) if name == "nao" else StrategyOracle(name, **options)


def open_oracle(directory, name="evolution", space=None, **options):
  """Returns an oracle in a project's directory, as a tuner would set it up."""
  oracle = make_oracle(name, space, **options)
  oracle._set_project_dir(str(directory), "project")
  oracle.verbose = 0
  if tf.io.gfile.exists(os.path.join(directory, "project", "oracle.json")):
    oracle.reload()
  return oracle


def run(oracle, num_trials, evaluate=score, tuner_id="tuner0"):
  """Runs so many trials, or until the oracle says to stop; returns their values."""
  ran = []
  for _ in range(num_trials):
    trial = oracle.create_trial(tuner_id)
    if trial.status != "RUNNING":
      break
    ran.append(dict(trial.hyperparameters.values))
    end(oracle, trial, evaluate(trial.hyperparameters.values))
  return ran


def end(oracle, trial, value):
  """Ends a trial with a score; with None, as an exception in it would."""
  trial.status = "INVALID" if value is None else "COMPLETED"
  if value is not None:
    oracle.update_trial(trial.trial_id, {"score": value})
  oracle.end_trial(trial)


def values_of(oracle):
  """Returns the values of all trials in the order in which they were started."""
  return [oracle.trials[trial_id].hyperparameters.values for trial_id in oracle.start_order]


def over_messages(trial):
  """Returns a trial after it was sent in a message."""
  return keras_tuner.engine.trial.Trial.from_proto(trial.to_proto())


def is_unlocked(oracle):
  """Whether another thread gets a call through."""
  thread = threading.Thread(target=oracle.release_dead_workers, daemon=True)
  thread.start()
  thread.join(5)
  return not thread.is_alive()


def free_port():
  """Returns a port on which nobody listens."""
  with socket.socket() as probe:
    probe.bind(("localhost", 0))
    return probe.getsockname()[1]


class ShapeTuner(StrategyTuner):
  """Scores after a while; notes when a trial begins, for tests that wait for it."""

  def run_trial(self, trial, seconds=0.0, **kwargs):
    path = os.path.join(self.project_dir, f"running_{self.tuner_id}")
    with open(f"{path}.tmp", "w") as file:
      file.write(trial.trial_id)
    os.replace(f"{path}.tmp", path)  # Who finds it finds it written.
    time.sleep(seconds)
    return {"score": score(trial.hyperparameters.values)}


def search(directory, name, seconds, options, environment=None):
  """Searches over `shapes`, in this process. Top level, so that another process can be told to do it."""
  os.environ.update(environment or {})
  tuner = ShapeTuner(make_oracle(name, **options), directory=directory, project_name="project")
  tuner.search(seconds=seconds, verbose=0)


def start(*args, target=search):
  """Starts a search in a process of its own, one that has already imported what it needs."""
  context = multiprocessing.get_context("forkserver")
  context.set_forkserver_preload(["tests.support.tuner_cases"])
  process = context.Process(target=target, args=args, daemon=True)
  process.start()
  return process


def wait_for(path, seconds=60.0):
  """Waits until a file exists."""
  deadline = time.monotonic() + seconds
  while not os.path.exists(path):
    if time.monotonic() > deadline:
      raise TimeoutError(path)
    time.sleep(0.01)


def read_trials(directory):
  """Returns the saved trials of the project in a directory, by id."""
  paths = sorted(os.listdir(os.path.join(directory, "project")))
  trials = []
  for name in paths:
    if name.startswith("trial_"):
      with open(os.path.join(directory, "project", name, "trial.json")) as file:
        trials.append(json.load(file))
  return trials
