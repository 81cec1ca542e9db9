"""What the binaries make of flags and of the settings on record: the split, the convention, a set without tests."""

import dataclasses
import json

import numpy as np
import pytest
from absl import flags

from nao_tf.runs.settings import RunDirectoryError, check_settings
from nao_tf.spaces import make_space
from nao_tf.tasks import task_traits
from nao_tf.tools import experiment, train
from tests.support.one_convolution import GENOTYPE_FILE
from tests.support.tfds_sets import examples, random_images, write_set
from tests.tools.test_tools import run

IMAGES, LABELS = random_images(40, (8, 8, 1)), np.repeat([0, 1], 20)
SMALL = ("--num_cells=1", "--filters=2", "--epochs=1", "--batch_size=8", "--noauxiliary", "--crop_padding=0")


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
  directory = tmp_path_factory.mktemp("data")
  write_set(directory, "only_train", {"train": examples(IMAGES, LABELS)})
  unlabeled = examples(IMAGES, -np.ones(40, int))
  return write_set(directory, "contest", {"train": examples(IMAGES, LABELS), "test": unlabeled})


def parsed(*arguments):
  values = flags.FlagValues()
  train.define_flags(values)
  values(["nao-train", "--architecture=NAONet-WS", *arguments])
  return values


def held_out(values):
  return np.concatenate([labels for _, labels in experiment.task_of(values).raw_batches("valid", 64)]).tolist()


def begun(directory, settings):
  directory.mkdir()
  (directory / "config.json").write_text(json.dumps(settings))
  return f"--workdir={directory}"


def test_a_new_run_holds_out_a_share_of_each_class_and_records_it(data_dir, tmp_path):
  values = parsed("--task=only_train", f"--data_dir={data_dir}", f"--workdir={tmp_path}/new")
  assert sorted(held_out(values)) == [0, 0, 1, 1]
  assert experiment.task_settings(values)["hold_out"] == "stratified"


def test_a_run_of_an_earlier_version_keeps_its_split(data_dir, tmp_path):
  workdir = begun(tmp_path / "old", {"task": "only_train", "seed": 0})
  for flag in ((), ("--hold_out=last",)):
    values = parsed("--task=only_train", f"--data_dir={data_dir}", workdir, *flag)
    assert held_out(values) == [1, 1, 1, 1]
    assert "hold_out" not in experiment.task_settings(values)
  values = parsed("--task=only_train", f"--data_dir={data_dir}", workdir, "--hold_out=stratified")
  with pytest.raises(RunDirectoryError, match="hold_out was None, is 'stratified'"):
    check_settings(str(tmp_path / "old"), experiment.task_settings(values))
  task = experiment.recorded_task({"task": "only_train"}, values)
  assert np.concatenate([labels for _, labels in task.raw_batches("valid", 64)]).tolist() == [1, 1, 1, 1]


def test_a_recorded_split_is_kept(data_dir, tmp_path):
  values = parsed("--task=only_train", f"--data_dir={data_dir}", f"--workdir={tmp_path}/new", "--hold_out=last")
  settings = experiment.task_settings(values)
  assert held_out(values) == [1, 1, 1, 1] and settings["hold_out"] == "last"
  task = experiment.recorded_task(settings, values)
  assert np.concatenate([labels for _, labels in task.raw_batches("valid", 64)]).tolist() == [1, 1, 1, 1]


def test_texts_have_no_such_setting(tmp_path):
  assert "hold_out" not in experiment.task_settings(parsed("--task=python_reference", f"--workdir={tmp_path}"))


@pytest.mark.parametrize("name", ["only_train", "contest"])
def test_a_training_without_test_data_ends_well_and_says_so(data_dir, tmp_path, capsys, name):
  flags_ = (f"--task={name}", f"--data_dir={data_dir}", f"--workdir={tmp_path}/run", f"--architecture={GENOTYPE_FILE}")
  assert run(train, *flags_, *SMALL) == 0
  output = capsys.readouterr().out
  assert f"{name}: no labeled test data; the trained network will not be tested" in output
  assert "exported:" in output and "test: accuracy" not in output


def test_a_published_cell_brings_its_convention(tmp_path, capsys):
  assert train.final_configs(parsed(f"--workdir={tmp_path}/a")).network_config.convention == "nao_ws"
  assert not capsys.readouterr().out
  values = parsed(f"--workdir={tmp_path}/a", "--convention=torch")
  assert train.final_configs(values).network_config.convention == "torch"
  assert "NAONet-WS was published with --convention=nao_ws; this network uses torch" in capsys.readouterr().out


def test_a_training_that_was_begun_keeps_its_convention(tmp_path):
  workdir = begun(tmp_path / "old", {"task": "digits", "network.convention": "nao"})
  assert train.final_configs(parsed(workdir)).network_config.convention == "nao"


@pytest.mark.parametrize(
  ("prefix", "space", "has_cells"), [("", "autokeras", False), ("child_", "nas_rl", False), ("", "nasnet5", True)]
)
def test_flags_of_cells_are_not_ignored_in_silence_where_there_are_none(caplog, prefix, space, has_cells):
  space, defaults = make_space(space), task_traits("digits").child
  genotype = space.decode(space.sample(np.random.default_rng(0)))
  experiment.warn_of_unused(genotype, defaults, defaults, prefix=prefix)
  assert not caplog.text
  config = dataclasses.replace(defaults.network_config, num_cells=9, auxiliary=False, filters=99)
  experiment.warn_of_unused(genotype, dataclasses.replace(defaults, network_config=config), defaults, prefix=prefix)
  assert (f"no effect: --{prefix}num_cells, --{prefix}auxiliary" in caplog.text) is not has_cells
  assert "filters" not in caplog.text


@pytest.mark.parametrize("size", [1, 2])
def test_a_process_says_that_it_waits_for_others_if_there_are_some(size, monkeypatch, capsys):
  cluster = {"worker": [f"localhost:{port}" for port in range(1, size + 1)]}
  monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": cluster, "task": {"type": "worker", "index": 0}}))
  monkeypatch.setattr("nao_tf.training.distribution.make_distribution", lambda *args, **options: None)
  flag_values = parsed("--workdir=w", "--distribution=multi_worker", "--nodeterministic")
  experiment.prepare_process(flag_values)
  assert capsys.readouterr().out == ("waiting for all 2 processes of the cluster\n" if size > 1 else "")
