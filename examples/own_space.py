"""A space and an evaluator of your own: which polynomial features predict the progression of diabetes?

Run it, or give its names to the command line, in the directory of this file:

    nao-search --space=own_space:FeatureSpace --evaluator=own_space:RidgeRegression --strategy=evolution \\
        --num_trials=200 --workdir=runs/features
"""

import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
from sklearn.model_selection import cross_val_score

import nao_tf
from nao_tf.spaces import Decision

NUM_FEATURES = 10
DEGREES = (0, 1, 2, 3)
PENALTIES = (0.01, 0.1, 1.0, 10.0)


class FeatureSpace(nao_tf.SearchSpace):
  """The degree of the polynomial of each feature, and the penalty of the regression."""

  name = "features"
  decisions = (*(Decision("degree", len(DEGREES), ordered=True) for _ in range(NUM_FEATURES)), Decision("penalty", 4))

  def decode(self, architecture):
    self.validate(architecture)
    *degrees, penalty = architecture
    return [DEGREES[choice] for choice in degrees], PENALTIES[penalty]


class RidgeRegression:
  """The reward is R squared, by cross-validation."""

  def __init__(self, space):
    self.space = space
    self.features, self.targets = load_diabetes(return_X_y=True, scaled=True)
    self.features /= self.features.std(axis=0)

  @classmethod
  def from_context(cls, context):
    return cls(context.space)

  def evaluate(self, architectures):
    for architecture in architectures:
      degrees, penalty = self.space.decode(architecture)
      columns = [self.features[:, i] ** power for i, degree in enumerate(degrees) for power in range(1, degree + 1)]
      if columns:
        scores = cross_val_score(Ridge(penalty), np.stack(columns, axis=1), self.targets, cv=5)
        yield nao_tf.Evaluation(float(scores.mean()), metrics={"columns": len(columns)})
      else:
        yield nao_tf.Evaluation.failed("no features")


def main(directory="runs/features_example", num_trials=200):
  space = FeatureSpace()
  with nao_tf.Journal(directory, {"seed": 0}) as journal:
    strategy = nao_tf.make_strategy("evolution", space, seed=0)
    best = nao_tf.run_search(strategy, RidgeRegression(space), journal, num_trials=num_trials, batch_size=10)
  degrees, penalty = space.decode(best.architecture)
  print(f"best: degrees {degrees}, penalty {penalty}, R squared {best.reward:.4f}")
  return best


if __name__ == "__main__":
  main()
