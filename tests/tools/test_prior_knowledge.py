import dataclasses

import pytest
from absl import flags

from nao_tf.runs.journal import Journal
from nao_tf.searches.loop import run_search
from nao_tf.spaces import make_space
from nao_tf.strategies import make_strategy
from nao_tf.strategies.earlier_search import keep_earlier_search, read_earlier_search
from nao_tf.tools import flag_groups, prior_knowledge, search
from tests.support.command_line import parse
from tests.support.toys import CountingEvaluator

SPACE = make_space("nasnet5")


def parsed(*argv):
  return parse(search, "--workdir=w", *argv)


@pytest.fixture(scope="module")
def earlier(tmp_path_factory):
  directory = str(tmp_path_factory.mktemp("earlier"))
  with Journal(directory, {"space": "nasnet5"}) as journal:
    strategy = make_strategy("random", SPACE, seed=7)
    run_search(strategy, CountingEvaluator(), journal, num_trials=8, batch_size=8)
  return directory


def test_a_search_learns_from_the_earlier_one_and_records_what_it_was(earlier):
  values = parsed(f"--warm_start={earlier}", "--space=nasnet5")
  search.check(values)
  strategy = prior_knowledge.strategy_of(values, SPACE)
  assert [strategy.origin(a).kind for a in strategy.ask(4)] == ["random", "earlier", "random", "earlier"]
  assert len(search.settings(values)["warm_start"]) == 16
  assert "warm_start" not in search.settings(parsed())


def test_a_search_resumes_with_what_the_earlier_one_was(earlier, tmp_path):
  before = search.settings(parsed(f"--warm_start={earlier}", "--space=nasnet5"))
  moved = str(tmp_path / "moved")
  keep_earlier_search(str(tmp_path), dataclasses.replace(read_earlier_search(earlier, SPACE), directory=moved))
  values = parse(search, f"--workdir={tmp_path}", f"--warm_start={moved}", "--space=nasnet5")
  search.check(values)
  assert search.settings(values)["warm_start"] == before["warm_start"]


def test_what_cannot_be_learned_from_is_refused_before_anything_is_done(earlier, tmp_path):
  with pytest.raises(ValueError, match="--warm_start=.*expected a search of the space nasnet11, got one of nasnet5"):
    search.check(parsed(f"--warm_start={earlier}", "--space=nasnet11"))
  with pytest.raises(ValueError, match="--warm_start=.*expected the work directory of a search"):
    search.check(parsed(f"--warm_start={tmp_path}"))


def test_it_means_nothing_with_other_strategies(earlier):
  argv = [f"--warm_start={earlier}", "--strategy=random"]
  with pytest.raises(flags.Error, match="--warm_start has no effect here: it needs --strategy=nao"):
    flag_groups.check(parsed(*argv), ["nao-search", *argv])


def test_proxies_are_checked_recorded_and_used():
  values = parsed("--proxies=parameters,multiply_adds", "--task=digits", "--space=nasnet5")
  search.check(values)
  assert search.settings(values)["proxies"] == ["parameters", "multiply_adds"]
  assert len(prior_knowledge.strategy_of(values, SPACE).remarks()) == 2
  with pytest.raises(
    ValueError, match="--proxies must be among parameters, multiply_adds, synflow, naswot, got 'depth'"
  ):
    search.check(parsed("--proxies=depth"))


def test_figures_of_untrained_networks_are_for_networks_that_read_images():
  values = parsed("--proxies=naswot", "--task=digits", "--space=nasnet5")
  assert prior_knowledge.strategy_of(values, SPACE).remarks() == [
    "NASWOT is not used: it does not help to predict the rewards of this search"
  ]
  space = make_space("rnn12")
  with pytest.raises(
    ValueError, match="proxies: naswot is for networks that read images, and those of the space rnn12"
  ):
    prior_knowledge.strategy_of(parsed("--proxies=naswot", "--task=python_reference", "--space=rnn12"), space)


@pytest.mark.parametrize(
  ("argv", "got"),
  [
    (["--nao_gaussian_share=0"], "got 0$"),
    (["--nao_preset=rounds"], r"got 0 \(from --nao_preset=rounds\)"),
    (["--nao_preset=rounds", "--nao_gaussian_share=0"], "got 0$"),
  ],
)
def test_nao_learns_with_its_gaussian_process_alone(earlier, argv, got):
  for flag in (f"--warm_start={earlier}", "--proxies=parameters"):
    words = f"{flag.partition('=')[0]} needs --nao_gaussian_share above 0, {got}"
    with pytest.raises(ValueError, match=words):
      search.check(parsed(flag, "--space=nasnet5", *argv))
  search.check(parsed("--proxies=parameters", "--space=nasnet5", "--nao_preset=rounds", "--nao_gaussian_share=0.5"))


@pytest.mark.parametrize(
  ("proxy", "space", "words"),
  [
    (
      "parameters",
      "tests.support.outside:Bits",
      "--proxies: the costs of the networks of the space bits are not known",
    ),
    ("naswot", "rnn12", "--proxies: naswot is for networks that read images, and those of the space rnn12 do not"),
  ],
)
def test_proxies_that_are_not_there_are_refused_before_any_data_is_read(proxy, space, words):
  evaluator = "--evaluator=tests.support.outside:Counting"
  with pytest.raises(ValueError, match=words):
    search.check(parsed(f"--proxies={proxy}", f"--space={space}", evaluator))
