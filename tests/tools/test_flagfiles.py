"""Every flagfile parses and builds, and says in its header what to expect."""

import dataclasses
import pathlib

import numpy as np
import pytest
import tensorflow as tf

from nao_tf.spaces import make_space
from nao_tf.tasks import trainers
from nao_tf.tools import experiment, one_shot, one_shot_flags, search, search_flags, train
from tests.docs import pages
from tests.support import toy_text
from tests.support.array_source import array_task

ROOT = pathlib.Path(__file__).parent.parent.parent / "flags"
FILES = sorted(ROOT.rglob("*.flags"))
SEARCHES = [path for path in FILES if "--strategy=" in path.read_text()]
TRAININGS = [path for path in FILES if "--architecture=" in path.read_text()]
PROGRAM = pages.program("write_flagfiles.py")


def name_of(path):
  return str(path.relative_to(ROOT))


def test_every_flagfile_is_of_one_binary():
  assert sorted(SEARCHES + TRAININGS) == FILES and len(FILES) >= 8


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_the_header_names_hardware_time_and_figure(path):
  text = PROGRAM.header(path)
  assert "Hardware" in text and "ime" in text
  assert any(word in text for word in ("Expect", "error", "perplexity", "figures"))


@pytest.mark.parametrize("path", SEARCHES, ids=name_of)
def test_a_search_builds(path):
  values = PROGRAM.parsed(search, path)
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
  values = PROGRAM.parsed(train, path)
  assert f"{PROGRAM.description_of(values).parameters:,}" in PROGRAM.header(path)
  assert experiment.task_settings(values)["task"] == values.task


@pytest.mark.slow
@pytest.mark.parametrize("path", TRAININGS, ids=name_of)
def test_a_training_makes_steps_at_reduced_width(path):
  values = PROGRAM.parsed(train, path)
  configs = train.final_configs(values)
  is_text = "vocabulary_size" in PROGRAM.SIZES[values.task]
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
