"""KerasTuner oracles and tuners that use the search strategies of this package, and cells as hypermodels.

Importing the package imports neither KerasTuner nor TensorFlow; they are imported on first use of a public name.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
  from nao_tf.tuner.hypermodels import CellHyperModel
  from nao_tf.tuner.nao_tuner import NAOOracle, NAOTuner
  from nao_tf.tuner.oracle import StrategyOracle
  from nao_tf.tuner.tuner import StrategyTuner

__all__ = ["CellHyperModel", "NAOOracle", "NAOTuner", "StrategyOracle", "StrategyTuner"]

_PLACES = {
  "CellHyperModel": "nao_tf.tuner.hypermodels:CellHyperModel",
  "NAOOracle": "nao_tf.tuner.nao_tuner:NAOOracle",
  "NAOTuner": "nao_tf.tuner.nao_tuner:NAOTuner",
  "StrategyOracle": "nao_tf.tuner.oracle:StrategyOracle",
  "StrategyTuner": "nao_tf.tuner.tuner:StrategyTuner",
}


def __getattr__(name: str) -> Any:
  """Returns a public name, importing its module only now."""
  if name not in _PLACES:
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
  module, _, attribute = _PLACES[name].partition(":")
  return getattr(importlib.import_module(module), attribute)


def __dir__() -> list[str]:
  """Returns the public names, imported or not."""
  return __all__
