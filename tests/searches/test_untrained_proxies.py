import dataclasses

import numpy as np
import pytest

from nao_tf.controller.decision_kernel import DecisionKernel
from nao_tf.controller.informed_process import InformedProcess
from nao_tf.networks.image_network_config import ImageNetworkConfig
from nao_tf.searches.cost_proxies import with_network_proxies
from nao_tf.searches.untrained_proxies import UntrainedProxy, untrained_proxies
from nao_tf.spaces import make_space
from nao_tf.strategies import make_strategy
from nao_tf.strategies.nao_config import PRESETS
from nao_tf.tasks import make_task

SPACE = make_space("nasnet5")
NETWORK = ImageNetworkConfig(num_cells=1, filters=4)


def test_figures_are_those_of_training_images_and_of_the_seed_and_are_computed_once():
  task = make_task("digits")
  splits = []
  read = task.training_batches
  task.training_batches = lambda config, **options: splits.append(config.batch_size) or read(config, **options)
  proxies = untrained_proxies(["synflow", "naswot"], SPACE, NETWORK, lambda: task, seed=3)
  cells = [SPACE.sample(np.random.default_rng(number)) for number in range(2)]
  flows, kernels = (proxy(cells) for proxy in proxies)
  assert np.isfinite([flows, kernels]).all() and flows[0] != flows[1] and kernels[0] != kernels[1]
  assert splits == [32]
  again = UntrainedProxy("synflow", lambda architecture: pytest.fail("computed again"))
  again._score = proxies[0]._score
  assert (again(cells) == flows).all()
  other = untrained_proxies(["synflow"], SPACE, NETWORK, lambda: task, seed=4)[0]
  assert other(cells[:1])[0] != flows[0]


def test_other_networks_are_refused():
  with pytest.raises(
    ValueError, match="proxies: synflow is for networks that read images, and those of the space rnn12"
  ):
    untrained_proxies(["synflow"], make_space("rnn12"), object(), lambda: None, seed=0)


def test_nao_asks_about_counts_and_about_untrained_networks():
  strategy = make_strategy("nao", SPACE, config=dataclasses.replace(PRESETS["default"], gaussian_share=1.0))
  with_network_proxies(strategy, ("naswot", "parameters"), SPACE, NETWORK, lambda: make_task("digits"))
  assert [remark.split(" is ")[0] for remark in strategy.remarks()] == ["the number of parameters", "NASWOT"]


def test_a_slow_informant_is_asked_about_few_candidates_and_not_at_all_if_it_does_not_help():
  rng = np.random.default_rng(0)
  known, candidates = ([SPACE.sample(rng) for _ in range(count)] for count in (20, 100))
  for follows in (True, False):
    asked = []
    proxy = UntrainedProxy("synflow", lambda architecture: asked.append(architecture) or float(sum(architecture)))
    process = InformedProcess(DecisionKernel(SPACE), [proxy])
    figures = np.array([sum(a) for a in known], float)
    scores = (figures - figures.mean()) / figures.std() if follows else rng.permutation(np.linspace(-1, 1, 20))
    process.fit(known, scores, rng)
    assert bool(process.weights.any()) == follows
    process.predict(candidates, rng)
    assert len(asked) == len(set(known)) + (16 if follows else 0)
