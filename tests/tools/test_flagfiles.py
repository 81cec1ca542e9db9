"""Every flagfile parses and builds, and says in its header what to expect."""

import functools
import pathlib

import pytest
from absl import flags

from nao_tf.networks import image_network, language_model
from nao_tf.spaces import make_space
from nao_tf.tools import experiment, flag_groups, search, search_flags, train

ROOT = pathlib.Path(__file__).parent.parent.parent / "flags"
FILES = sorted(ROOT.rglob("*.flags"))
SEARCHES = [path for path in FILES if "--strategy=" in path.read_text()]
TRAININGS = [path for path in FILES if "--architecture=" in path.read_text()]
COUNTS = {
  "cifar10": functools.partial(image_network.count_parameters, num_classes=10),
  "cifar100": functools.partial(image_network.count_parameters, num_classes=100),
  "ptb": functools.partial(language_model.count_parameters, vocabulary_size=10_000),
  "wikitext2": functools.partial(language_model.count_parameters, vocabulary_size=33_278),
}


def name_of(path):
  return str(path.relative_to(ROOT))


def parse(tool, path):
  values = flags.FlagValues()
  tool.define_flags(values)
  argv = ["program", f"--flagfile={path}", "--workdir=somewhere"]
  values(argv)
  flag_groups.check(values, argv)
  return values


def header(path):
  return " ".join(line[1:].strip() for line in path.read_text().splitlines() if line.startswith("#"))


def test_every_flagfile_is_of_one_binary():
  assert sorted(SEARCHES + TRAININGS) == FILES and len(FILES) >= 8


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_the_header_names_hardware_time_and_figure(path):
  text = header(path)
  assert "Hardware" in text and "ime" in text
  assert any(word in text for word in ("Expect", "error", "perplexity", "figures"))


@pytest.mark.parametrize("path", SEARCHES, ids=name_of)
def test_a_search_builds(path):
  values = parse(search, path)
  space = make_space(values.space)
  strategy = search_flags.strategy(values, space)
  assert len(strategy.ask(2)) == 2
  assert search.settings(values)["strategy"] == values.strategy


@pytest.mark.parametrize("path", TRAININGS, ids=name_of)
def test_a_training_builds_a_network_of_the_size_in_its_header(path):
  values = parse(train, path)
  network, genotype = train.final_configs(values).network_config, train.genotype_of(values)
  parameters = COUNTS[values.task](genotype, network)
  assert f"{parameters:,}" in header(path)
  assert experiment.task_settings(values)["task"] == values.task
