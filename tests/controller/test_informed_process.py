import numpy as np
import pytest

from nao_tf.controller.decision_kernel import DecisionKernel
from nao_tf.controller.gaussian_process import GaussianProcess, normal_scores
from nao_tf.controller.informed_process import InformedProcess, informant_weights, remarks_on
from nao_tf.spaces import make_space

SPACE = make_space("nasbench201")
VALUES = np.random.default_rng(0).normal(size=(6, 5))


def truth(architectures):
  return np.array([sum(VALUES[edge, choice] for edge, choice in enumerate(a)) for a in architectures])


class Says:
  def __init__(self, function, name="a friend"):
    self.name, self._function = name, function

  def __call__(self, architectures):
    return self._function(architectures)


def noise(architectures):
  return np.array([np.random.default_rng(a).normal() for a in architectures])


def fitted(informants, count=12, seed=0):
  rng = np.random.default_rng(seed)
  known = [SPACE.sample(rng) for _ in range(count)]
  process = InformedProcess(DecisionKernel(SPACE), informants)
  process.fit(known, normal_scores(truth(known)), np.random.default_rng(1))
  return process, known


def correlation(process, seed=5):
  rng = np.random.default_rng(seed)
  others = [SPACE.sample(rng) for _ in range(200)]
  return np.corrcoef(process.predict(others, np.random.default_rng(1)).mean, truth(others))[0, 1]


def test_who_is_right_is_believed_and_helps():
  informed, known = fitted([Says(lambda a: 50 + 10 * truth(a) + noise(a))])
  plain = GaussianProcess(DecisionKernel(SPACE))
  plain.fit(known, normal_scores(truth(known)), np.random.default_rng(1))
  assert informed.weights[0] > 0.5
  assert correlation(informed) > 0.9 > correlation(plain)
  assert remarks_on(informed) == [f"a friend is used with a weight of {informed.weights[0]:.2f}"]


def test_who_says_nothing_is_switched_off_and_changes_nothing():
  informed, known = fitted([Says(noise)])
  plain = GaussianProcess(DecisionKernel(SPACE))
  plain.fit(known, normal_scores(truth(known)), np.random.default_rng(1))
  assert not informed.weights.any()
  assert correlation(informed) == pytest.approx(correlation(plain), abs=1e-6)
  assert "is not used: it does not help to predict the rewards of this search" in remarks_on(informed)[0]


def test_of_several_those_that_help_are_taken():
  informed, _ = fitted([Says(noise), Says(truth), Says(lambda a: np.ones(len(a)))], count=20)
  assert informed.weights[1] > 0.5 and informed.weights[0] == informed.weights[2] == 0


def test_who_is_wrong_consistently_is_turned_around():
  informed, _ = fitted([Says(lambda a: -truth(a))])
  assert informed.weights[0] < -0.5 and correlation(informed) > 0.9


def test_with_few_trials_nobody_is_believed():
  assert not informant_weights(np.ones((4, 1)), np.array([1.0, -1.0, 0.5, -0.5])).any()


def test_the_incumbent_is_the_best_that_is_known():
  informed, known = fitted([Says(truth)])
  assert informed.incumbent == pytest.approx(informed.predict(known, np.random.default_rng(3)).mean.max(), abs=0.2)


def test_only_the_best_are_learned_from_where_there_are_many():
  rng = np.random.default_rng(0)
  known = [SPACE.sample(rng) for _ in range(30)]
  process = InformedProcess(DecisionKernel(SPACE), [Says(truth)], max_trials=10)
  process.fit(known, normal_scores(truth(known)), rng)
  assert correlation(process) > 0.9
