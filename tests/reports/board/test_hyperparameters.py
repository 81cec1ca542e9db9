"""The tab HParams, read with the plugin's own backend."""

import pytest
from tensorboard.backend.event_processing import data_provider
from tensorboard.context import RequestContext
from tensorboard.plugins.base_plugin import TBContext
from tensorboard.plugins.hparams import api_pb2
from tensorboard.plugins.hparams.backend_context import Context
from tensorboard.plugins.hparams.list_session_groups import Handler

from nao_tf.searches.reading import load
from nao_tf.spaces import SPACES, make_space
from nao_tf.spaces.base import Decision, SearchSpace
from tests.reports.board.test_search_board import search
from tests.support.events import multiplexer

SPACE = "nasbench201"


class Sized(SearchSpace):
  name = "sized"
  decisions = (Decision("width", 4, ordered=True), Decision("part", 3))

  def decode(self, architecture):
    return architecture


class Board:
  """What the plugin shows of a directory."""

  def __init__(self, logdir):
    self._context = Context(TBContext(data_provider=data_provider.MultiplexerDataProvider(multiplexer(logdir), "")))
    content = self._context.hparams_metadata(RequestContext(), "")
    self.experiment = self._context.experiment_from_metadata(RequestContext(), "", True, content, [])
    statuses = [api_pb2.STATUS_SUCCESS, api_pb2.STATUS_FAILURE, api_pb2.STATUS_RUNNING]
    columns = [api_pb2.ColParams(metric=metric.name) for metric in self.experiment.metric_infos]
    request = api_pb2.ListSessionGroupsRequest(slice_size=100, allowed_statuses=statuses, col_params=columns)
    handler = Handler(RequestContext(), self._context, "", request)
    self.groups = {group.name: group for group in handler.run().session_groups}


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
  directory = tmp_path_factory.mktemp("searched")
  search(directory, space=make_space(SPACE))
  return directory


def test_every_decision_is_a_hyperparameter_with_its_choices(searched):
  infos = Board(searched).experiment.hparam_infos
  assert {info.name for info in infos} == set(make_space(SPACE).decision_names)
  assert "nor_conv_3x3" in [value.string_value for value in infos[0].domain_discrete.values]


def test_every_trial_has_its_choices_its_reward_and_how_it_ended(searched):
  groups, space = Board(searched).groups, make_space(SPACE)
  for trial in load(searched).trials:
    group = groups[str(trial.id)]
    choices = {name: value.string_value for name, value in group.hparams.items()}
    genotype = {f"operation {node}<-{source}": name for node, source, name in space.decode(trial.architecture).edges}
    assert choices == genotype
    rewards = [value.value for value in group.metric_values if value.name.tag == "reward"]
    assert rewards == ([] if trial.reward is None else [pytest.approx(trial.reward)])
    ended = api_pb2.STATUS_FAILURE if trial.reward is None else api_pb2.STATUS_SUCCESS
    assert group.sessions[0].status == ended


def test_a_number_stays_one_and_has_an_axis(tmp_path):
  search(tmp_path, 2, space=Sized())
  board = Board(tmp_path)
  (info,) = [info for info in board.experiment.hparam_infos if info.name == "00 width"]
  assert (info.domain_interval.min_value, info.domain_interval.max_value) == (0, 3)
  first = load(tmp_path).trials[0].architecture
  assert board.groups["0"].hparams["00 width"].number_value == first[0]
  assert board.groups["0"].hparams["01 part"].string_value == f"choice {first[1]}"


@pytest.mark.parametrize("name", SPACES)
def test_the_names_of_decisions_differ(name):
  space = make_space(name)
  assert len(set(space.decision_names)) == len(space.decision_names) == len(space.decisions)
