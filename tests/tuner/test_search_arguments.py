import keras_tuner
import pytest

from nao_tf.tuner.search_arguments import check_arguments


class WithRunTrial(keras_tuner.Tuner):
  def run_trial(self, trial, seconds=0.0):
    return seconds


class OwnFit(keras_tuner.HyperModel):
  def fit(self, hp, model, data, *, callbacks):
    return 0.0


class Picky(keras_tuner.HyperModel):
  def check_fit_arguments(self, *args, **kwargs):
    if args:
      raise ValueError("brings its own data")


def tuner_of(tmp_path, hypermodel):
  """Returns a tuner without looking for the hyperparameters of its hypermodel."""

  class Tuner(keras_tuner.Tuner):
    def _populate_initial_space(self):
      pass

  return Tuner(keras_tuner.oracles.RandomSearchOracle("val_loss", 1), hypermodel, directory=str(tmp_path))


def test_a_tuner_with_its_own_trials_takes_what_they_take(tmp_path):
  tuner = WithRunTrial(keras_tuner.oracles.RandomSearchOracle("val_loss", 1), directory=str(tmp_path))
  check_arguments(tuner, [], {"seconds": 1.0})
  with pytest.raises(TypeError, match=r"run_trial.*'verbose'"):
    check_arguments(tuner, [], {"verbose": 0})


def test_a_hypermodel_with_its_own_fit_takes_what_it_takes(tmp_path):
  tuner = tuner_of(tmp_path, OwnFit())
  check_arguments(tuner, ["data"], {})
  with pytest.raises(TypeError, match=r"HyperModel\.fit.*'epochs'"):
    check_arguments(tuner, ["data"], {"epochs": 3})
  with pytest.raises(TypeError, match=r"HyperModel\.fit.*'data'"):
    check_arguments(tuner, [], {})


def test_a_hypermodel_can_check_more_than_its_signature_says(tmp_path):
  tuner = tuner_of(tmp_path, Picky())
  check_arguments(tuner, [], {"epochs": 3})
  with pytest.raises(ValueError, match="its own data"):
    check_arguments(tuner, ["data"], {})


def test_the_fit_of_keras_takes_anything(tmp_path):
  check_arguments(tuner_of(tmp_path, lambda hp: None), ["x", "y"], {"validation_split": 0.2, "verbose": 0})
