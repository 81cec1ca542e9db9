"""A search in rungs over a tiny space, quick and without networks."""

import numpy as np

from nao_tf.searches.rungs import RungConfig
from nao_tf.trial import Evaluation
from tests.support.toys import CountingEvaluator

CONFIG = RungConfig((1, 2, 5), reduction=2)


class GrowingEvaluator(CountingEvaluator):
  """Rewards that grow with the epochs. After few epochs they are a little wrong. It counts the epochs that it trains."""

  def __init__(self, lives=None):
    super().__init__()
    self.lives, self.trained, self.num_epochs = lives, {}, 0

  def check_epochs(self, epochs):
    assert list(epochs) == sorted(epochs)

  def evaluate_until(self, architecture, epochs):
    if self.lives is not None:
      self.lives -= 1
      if self.lives < 0:
        raise KeyboardInterrupt
    self.num_epochs += epochs - self.trained.get(architecture, 0)
    self.trained[architecture] = epochs
    whole = self.score(architecture)
    if whole.reward is None:
      return whole
    noise = np.random.default_rng([epochs, *architecture]).normal() * 0.1 / epochs
    return Evaluation(whole.reward - 1 / epochs + noise, 1.0, {"epochs": epochs})
