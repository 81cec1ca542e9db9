"""Laws of every registered strategy."""

import numpy as np
import pytest

from nao_tf.spaces import make_space
from nao_tf.spaces.bounded import BoundedSpace
from nao_tf.strategies import STRATEGIES, SpaceExhausted
from nao_tf.strategies import make_strategy as make_registered_strategy
from nao_tf.strategies.bananas_config import BananasConfig
from nao_tf.strategies.bayesian.config import BayesianConfig
from nao_tf.strategies.nao import NaoConfig
from nao_tf.trial import UNKNOWN, Evaluation, Trial
from tests.support.controller_cases import FEW_CANDIDATES, FEW_STEPS
from tests.support.toys import CountingEvaluator, ToySpace

pytestmark = pytest.mark.usefixtures("no_graphs_in_the_module")  # Controllers take a few small steps.

# Smaller than the defaults, so that what is learned comes into play within a few batches.
OPTIONS = {
  "nao": {"config": NaoConfig(FEW_STEPS, num_initial=8, round_size=8, **FEW_CANDIDATES)},
  "bananas": {"config": BananasConfig(ensemble_size=2, num_initial=8, round_size=8, units=8, num_epochs=10)},
  "bayesian": {"config": BayesianConfig(kernel="decisions", num_initial=12, num_candidates=20)},
}
TOY_SIZE = 18  # 6 unordered pairs of 3 parts, 3 legal pairs of modes.


@pytest.fixture(params=STRATEGIES, scope="module")
def name(request):
  return request.param


def make_strategy(name, space, seed=0):
  return make_registered_strategy(name, space, seed=seed, **OPTIONS.get(name, {}))


def drive(strategy, num_batches, batch_size=4, shuffle=False):
  """Asks, evaluates and tells; returns all trials."""
  trials, rng = [], np.random.default_rng(0)
  for _ in range(num_batches):
    batch = [
      Trial(len(trials) + i, a, strategy.origin(a), CountingEvaluator().score(a))
      for i, a in enumerate(strategy.ask(batch_size))
    ]
    order = rng.permutation(len(batch)) if shuffle else range(len(batch))
    for i in order:
      strategy.tell([batch[i]])
    trials += batch
  return trials


@pytest.fixture(scope="module")
def trials(name):
  """The trials of six batches, asked for with seed 0."""
  return drive(make_strategy(name, make_space("nasbench201")), 6)


def test_asked_architectures_are_valid_and_new_up_to_encoding(trials):
  space = make_space("nasbench201")
  asked = [trial.architecture for trial in trials]
  for architecture in asked:
    space.validate(architecture)
  assert len({space.canonical(architecture) for architecture in asked}) == len(asked) == 24


def test_one_seed_gives_one_trajectory(name, trials):
  again, other = (drive(make_strategy(name, make_space("nasbench201"), seed=seed), 6) for seed in (0, 1))
  assert again == trials
  assert other != trials


def test_the_order_of_telling_within_a_batch_does_not_matter(name, trials):
  assert drive(make_strategy(name, make_space("nasbench201")), 6, shuffle=True) == trials


def test_a_space_is_exhausted_without_repetition_and_then_says_so(name):
  space, strategy = ToySpace(), make_strategy(name, ToySpace())
  asked = []
  with pytest.raises(SpaceExhausted, match="toy"):
    while True:
      batch = strategy.ask(4)
      strategy.tell([Trial(len(asked) + i, a, evaluation=Evaluation(float(sum(a)))) for i, a in enumerate(batch)])
      asked += batch
  assert len({space.canonical(architecture) for architecture in asked}) == len(asked) == TOY_SIZE


def test_asking_again_before_telling_gives_other_architectures(name):
  space, strategy = make_space("nasbench201"), make_strategy(name, make_space("nasbench201"))
  asked = [architecture for _ in range(8) for architecture in strategy.ask(3)]
  assert len({space.canonical(architecture) for architecture in asked}) == 24


def test_nothing_but_failures_is_survived(name):
  strategy = make_strategy(name, make_space("nasbench201"))
  for round_ in range(5):
    batch = strategy.ask(4)
    strategy.tell([Trial(4 * round_ + i, a, evaluation=Evaluation.failed("no")) for i, a in enumerate(batch)])
  assert len(strategy.ask(4)) == 4


def test_equal_rewards_are_survived(name):
  strategy = make_strategy(name, make_space("nasbench201"))
  for round_ in range(5):
    batch = strategy.ask(4)
    strategy.tell([Trial(4 * round_ + i, a, evaluation=Evaluation(0.5)) for i, a in enumerate(batch)])
  assert len(strategy.ask(4)) == 4


def test_told_but_never_asked_trials_are_a_warm_start_and_are_not_asked_again(name):
  space, strategy = ToySpace(), make_strategy(name, ToySpace())
  strategy.tell([Trial(100, (0, 1, 1, 1), evaluation=Evaluation(1.0))])
  asked = []
  with pytest.raises(SpaceExhausted):
    while True:
      asked += strategy.ask(1)
  assert len(asked) == TOY_SIZE - 1
  assert (0, 1, 1, 1) not in {space.canonical(architecture) for architecture in asked}


def test_a_saved_state_gives_the_same_trajectory_as_no_state(name, tmp_path):
  space, strategy = make_space("nasbench201"), make_strategy(name, make_space("nasbench201"))
  before = drive(strategy, 5)
  strategy.save(str(tmp_path))
  resumed = make_strategy(name, space)
  assert resumed.restore(str(tmp_path)) >= 0
  assert drive(resumed, 5) == before
  assert resumed.ask(4) == strategy.ask(4)


def test_restoring_where_nothing_was_saved_finds_nothing(name, tmp_path):
  assert make_strategy(name, ToySpace()).restore(str(tmp_path / "nowhere")) == 0


def test_the_origin_of_what_was_asked_is_known(name):
  strategy = make_strategy(name, make_space("nasbench201"))
  assert all(strategy.origin(architecture).kind for architecture in strategy.ask(3))


@pytest.mark.parametrize("count", [0, -1])
def test_asking_for_nothing_is_refused(name, count):
  with pytest.raises(ValueError, match="count"):
    make_strategy(name, ToySpace()).ask(count)


def test_telling_an_open_trial_is_refused(name):
  with pytest.raises(ValueError, match="trial 3 has no evaluation"):
    make_strategy(name, ToySpace()).tell([Trial(3, (0, 0, 1, 1))])


def test_telling_a_malformed_architecture_is_refused(name):
  with pytest.raises(ValueError, match="toy"):
    make_strategy(name, ToySpace()).tell([Trial(3, (0, 0, 1), evaluation=Evaluation(1.0))])


def test_a_negative_seed_is_refused(name):
  with pytest.raises(ValueError, match="seed"):
    make_strategy(name, ToySpace(), seed=-1)


def test_only_what_a_space_admits_is_asked_for_until_that_is_exhausted(name):
  space = BoundedSpace(ToySpace(), lambda architecture: sum(architecture) <= 2)
  few = {space.canonical(architecture) for architecture in space.enumerate()}
  strategy, asked = make_strategy(name, space), []
  with pytest.raises(SpaceExhausted, match="toy"):
    while True:
      batch = strategy.ask(3)
      strategy.tell([Trial(len(asked) + i, a, evaluation=Evaluation(float(sum(a)))) for i, a in enumerate(batch)])
      asked += batch
  assert sorted(map(space.canonical, asked)) == sorted(few) and 0 < len(few) < TOY_SIZE


def test_a_bound_that_few_architectures_of_a_large_space_are_within_is_kept(name):
  space = BoundedSpace(make_space("nasbench201"), lambda architecture: sum(choice == 0 for choice in architecture) >= 4)
  asked = [trial.architecture for trial in drive(make_strategy(name, space), 6)]
  assert len(set(asked)) == 24 and all(map(space.is_admitted, asked))


def test_what_a_space_does_not_admit_may_be_told_and_be_on_record(name):
  space = BoundedSpace(ToySpace(), lambda architecture: sum(architecture) <= 2)
  strategy = make_strategy(name, space)
  strategy.count_as_asked([((2, 2, 1, 1), UNKNOWN)])
  strategy.tell([Trial(0, (2, 2, 1, 1), evaluation=Evaluation(1.0))])
  assert all(map(space.is_admitted, strategy.ask(4)))
