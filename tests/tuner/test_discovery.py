import keras_tuner

from nao_tf.tuner.nao_tuner import NAOTuner
from tests.support.tuner_cases import branching, in_project


def test_every_conditional_scope_is_explored_and_the_same_space_is_found_each_time(tmp_path):
  spaces = []
  for i in range(3):
    tuner = NAOTuner(branching, "val_loss", seed=0, **in_project(tmp_path / str(i)))
    spaces.append([hp.name for hp in tuner.oracle.get_space().space])
  assert spaces[0] == spaces[1] == spaces[2]
  assert {"kind", "depth", "width_0", "width_3", "skip", "gain", "layers"} <= set(spaces[0])


def test_a_model_that_is_refused_while_the_space_is_explored_is_no_error(tmp_path):
  def too_large(hp):
    hp.Int("size", 1, 3)
    raise keras_tuner.errors.FailedTrialError("too large")

  tuner = NAOTuner(too_large, "val_loss", **in_project(tmp_path))
  assert [hp.name for hp in tuner.oracle.get_space().space] == ["size"]
