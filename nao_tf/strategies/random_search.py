"""Random search: the control that every other strategy has to beat."""

from nao_tf.strategies.base import Strategy


class RandomSearch(Strategy):
  """Asks for architectures drawn uniformly from the valid ones, without repetition."""

  def propose(self, count, rng):
    return ()  # What is missing is filled with random new architectures.
