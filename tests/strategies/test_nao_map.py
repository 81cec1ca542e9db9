import dataclasses

import numpy as np
import pytest

from nao_tf.controller import ascent
from nao_tf.controller.config import ControllerConfig
from nao_tf.strategies.nao import Nao
from nao_tf.trial import Evaluation, Trial
from tests.strategies.test_nao import QUICK, RowSpace, reward

CONFIG = dataclasses.replace(QUICK, controller=ControllerConfig(num_steps=20), num_unlabeled=0)


@pytest.fixture(scope="module")
def strategy():
  """A strategy after its first round, with the proposals of the round."""
  nao = Nao(RowSpace(), seed=1, config=CONFIG)
  first = [Trial(n, a, nao.origin(a), Evaluation(reward(a))) for n, a in enumerate(nao.ask(12))]
  assert nao.embedding_map() is None
  nao.tell(first)
  return nao, nao.ask(6)


@pytest.fixture(scope="module")
def found(strategy):
  nao, proposals = strategy
  return nao.embedding_map(), nao, proposals


def test_a_round_has_one_map_with_its_trials_and_moves(found):
  map_, nao, proposals = found
  assert map_.asked_before == 12 and [id_ for id_, _ in map_.trials] == list(range(12))
  decoded = [architecture for architecture in proposals if nao.origin(architecture).kind in ("ascent", "decoded")]
  assert decoded and [move.decoded for move in map_.moves if move.is_proposal] == decoded
  assert all(move.step == (nao.origin(move.decoded).step or 0.0) for move in map_.moves[: len(decoded)])
  assert nao.embedding_map() is None


def test_a_seed_that_is_a_trial_is_where_the_trial_is(found):
  places = dict(found[0].trials)
  assert all(move.places[0] == places[move.seed] for move in found[0].moves if move.seed is not None)


def test_every_proposal_is_reached_from_a_trial(found):
  ends = {move.decoded: move for move in found[0].moves}
  begun = {move.places[0] for move in found[0].moves if move.seed is None}
  assert begun and begun <= {move.places[2] for move in ends.values()}


def test_the_axes_are_the_principal_ones(found):
  map_, nao, _ = found
  architectures = [trial.architecture for trial in nao.trials] + [move.decoded for move in map_.moves]
  embeddings = np.asarray(nao.controller.embed(nao.controller.encode(nao.vocabulary.encode(architectures))))
  rows = np.concatenate(list(embeddings), axis=-1)
  assert 1 >= map_.shares[0] >= map_.shares[1] > 0
  on_map = np.array([place for _, place in map_.trials] + [move.places[2] for move in map_.moves])
  distances, shown = (np.linalg.norm(x[:, None] - x[None], axis=-1) for x in (rows, on_map))
  assert np.all(shown <= distances + 1e-3) and np.corrcoef(distances.ravel(), shown.ravel())[0, 1] > 0.5


def test_a_step_ends_where_the_gradient_leads(found):
  map_, nao, _ = found
  move = next(move for move in map_.moves if move.seed is not None and move.step)
  seed = nao.vocabulary.encode([nao.trials[move.seed].architecture])
  memory = nao.controller.encode(seed)
  moved = ascent.move(nao.controller, memory, (move.step,), along="logit", unit_gradient=True)[0]
  length = np.linalg.norm(np.asarray(nao.controller.embed(moved)) - np.asarray(nao.controller.embed(memory)))
  assert 0 < np.linalg.norm(np.subtract(*move.places[:2])) <= length + 1e-3


def test_a_map_leaves_the_weights_and_the_numbers_as_they_are(found):
  _, nao, proposals = found
  scores = nao.controller.score(nao.vocabulary.encode(proposals))
  assert nao.prediction(proposals[0]).score == pytest.approx(float(scores[:, 0].mean()))
