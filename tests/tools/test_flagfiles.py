"""Every flagfile parses and builds, and says in its header what to expect."""

import dataclasses
import pathlib

import numpy as np
import pytest
import tensorflow as tf
from absl import flags

from nao_tf.networks.descriptions import describe
from nao_tf.spaces import make_space
from nao_tf.tasks import trainers
from nao_tf.tools import experiment, flag_groups, one_shot, one_shot_flags, search, search_flags, train
from tests.support import toy_text
from tests.support.array_source import array_task

ROOT = pathlib.Path(__file__).parent.parent.parent / "flags"
FILES = sorted(ROOT.rglob("*.flags"))
SEARCHES = [path for path in FILES if "--strategy=" in path.read_text()]
TRAININGS = [path for path in FILES if "--architecture=" in path.read_text()]
SIZES = {
  "cifar10": {"num_classes": 10},
  "cifar100": {"num_classes": 100},
  "imagenet2012": {"num_classes": 1_000, "input_shape": (224, 224, 3)},
  "ptb": {"vocabulary_size": 10_000},
  "wikitext2": {"vocabulary_size": 33_278},
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
  one_shot_search, space = one_shot_flags.chosen(values), make_space(values.space)
  if one_shot_search is not None:
    search.check(values)
    assert one_shot.settings(one_shot_search, values)["space"] == values.space
    return
  strategy = search_flags.strategy(values, space)
  assert len(strategy.ask(2)) == 2
  assert search.settings(values)["strategy"] == values.strategy


@pytest.mark.parametrize("path", TRAININGS, ids=name_of)
def test_a_training_is_of_the_size_in_its_header(path):
  values = parse(train, path)
  network, genotype = train.final_configs(values).network_config, train.genotype_of(values)
  assert f"{describe(genotype, network, **SIZES[values.task]).parameters:,}" in header(path)
  assert experiment.task_settings(values)["task"] == values.task


@pytest.mark.slow
@pytest.mark.parametrize("path", TRAININGS, ids=name_of)
def test_a_training_makes_steps_at_reduced_width(path):
  values = parse(train, path)
  configs = train.final_configs(values)
  is_text = "vocabulary_size" in SIZES[values.task]
  small = {"units": 4} if is_text else {"num_cells": 1, "filters": 8}
  rng = np.random.default_rng(0)
  images = rng.integers(0, 256, (8, 32, 32, 3), dtype=np.uint8), np.arange(8) % 4
  trainer = trainers.make_trainer(
    toy_text.toy_task() if is_text else array_task(images, validation_fraction=0.0),
    train.genotype_of(values),
    dataclasses.replace(configs.network_config, **small),
    dataclasses.replace(configs.training_config, epochs=1, batch_size=4),
    distribution=tf.distribute.get_strategy(),
    seed=0,
  )
  (metrics,) = trainer.fit()
  assert np.isfinite(metrics["train_loss"])
