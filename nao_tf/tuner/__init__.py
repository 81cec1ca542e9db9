"""Strategies as KerasTuner oracles and tuners, for any hypermodel, and cells as hypermodels."""

from nao_tf.tuner.hypermodels import CellHyperModel
from nao_tf.tuner.oracle import StrategyOracle
from nao_tf.tuner.tuner import NAOOracle, NAOTuner, StrategyTuner

__all__ = ["CellHyperModel", "NAOOracle", "NAOTuner", "StrategyOracle", "StrategyTuner"]
