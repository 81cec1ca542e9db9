import nao_tf.tuner as package
from nao_tf.tuner.nao_tuner import NAOTuner
from nao_tf.tuner.oracle import StrategyOracle


def test_every_public_name_is_there():
  for name in package.__all__:
    assert getattr(package, name).__name__ == name
  assert package.NAOTuner is NAOTuner and package.StrategyOracle is StrategyOracle


def test_other_names_are_not():
  assert not hasattr(package, "BayesianTuner")
  assert set(package.__all__) <= set(dir(package))
