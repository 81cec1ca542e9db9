"""nao-train --dry_run, as a user runs it."""

import json
import pathlib
import re

import numpy as np
import pytest
from tensorflow import keras

from nao_tf.runs.settings import RunDirectoryError
from nao_tf.spaces import make_space
from nao_tf.tools import train
from tests.support.toy_text import write_files
from tests.tools.test_tools import failure, run

GUIDE = pathlib.Path(__file__).parent.parent.parent / "docs/guides/command_line.md"
NETWORK = ("--task=digits", "--architecture=NAONet-WS", "--num_cells=1", "--filters=4")
FLAGS = (*NETWORK, "--dry_run", "--num_replicas=1", "--nodeterministic")


def test_the_plan_is_that_of_the_guide_and_nothing_is_written(capsys, tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  assert run(train, *FLAGS, "--workdir=runs/naonet_ws") == 0
  assert capsys.readouterr().out.strip() in GUIDE.read_text()
  assert not list(tmp_path.iterdir())


def test_the_hours_say_which_peak_and_which_share_of_it_they_assume(capsys, tmp_path):
  flags = (*FLAGS, f"--workdir={tmp_path}/run", "--mixed_precision=bfloat16", "--utilization=0.05")
  assert run(train, *flags) == 0
  printed = capsys.readouterr().out
  assert "estimated hours on 1 accelerator, at a utilization of 0.05:" in printed
  assert "at a peak of 15.7 TFLOPS in float32\n" in printed  # A V100 has no units for bfloat16.
  assert "at a peak of 989.4 TFLOPS in bfloat16; logits: 494.7 TFLOPS in TF32\n" in printed


@pytest.mark.parametrize(
  ("flags", "figure", "counted"),
  [
    ((), 21, "weights (2 copies), gradients and optimizer state"),
    (("--optimizer=AdamW",), 27, "weights (2 copies), gradients and optimizer state (2 copies)"),
    (("--average_weights=ema",), 27, "weights (2 copies), gradients, optimizer state and averages"),
    (("--accumulate_steps=2",), 27, "weights (2 copies), gradients, sums of gradients and optimizer state"),
  ],
)
def test_the_memory_counts_everything_of_the_size_of_the_weights(flags, figure, counted, capsys, tmp_path):
  cell = "|nor_conv_1x1~0|+|none~0|nor_conv_1x1~1|+|skip_connect~0|none~1|avg_pool_3x3~2|"
  network = ("--space=nasbench201", "--convention=nasbench201", f"--architecture={cell}", "--noauxiliary")
  sizes = ("--num_cells=1", "--filters=64", "--batch_size=64", *FLAGS[-3:])
  assert run(train, "--task=digits", *network, *sizes, *flags, f"--workdir={tmp_path}/run") == 0
  assert f"estimated memory per replica: {figure} MB for {counted}, and" in capsys.readouterr().out


def test_a_text_has_a_plan(capsys, tmp_path):
  argv = (
    "--task=python_reference",
    "--architecture=NAO-RNN",
    "--units=10",
    "--epochs=2",
    "--dry_run",
    "--nodeterministic",
  )
  assert run(train, *argv, f"--workdir={tmp_path}/run", "--max_vocabulary=100") == 0
  printed = capsys.readouterr().out
  assert "NAO-RNN: 10 units, 100 words" in printed
  # Weights, gradients, averages and the best ones of 3,500 numbers; of a token 36 values of the nodes and 3 others. SGD
  # of Keras 2 keeps a momentum even if it is 0.
  counted = "0 MB for weights, gradients, (optimizer state, )?averages and best weights"
  assert re.search(f"{counted}, and 7 MB for the activations of 64 streams at once", printed)


def test_a_well_known_text_that_is_not_here_is_planned_with_its_published_size(capsys, tmp_path):
  argv = (f"--flagfile={GUIDE.parents[2] / 'flags/paper/ptb.flags'}", "--units=10", "--dry_run", "--nodeterministic")
  assert run(train, *argv, f"--workdir={tmp_path}/run") == 0
  printed = capsys.readouterr().out
  assert "data: not found; this plan assumes the published size of ptb" in printed
  assert "10,000 words" in printed and "929,589 tokens per epoch" in printed
  assert "typo" in failure(train, *argv, f"--workdir={tmp_path}/run", f"--text_dir={tmp_path}/typo")


@pytest.mark.skipif(not hasattr(keras, "__version__"), reason="Keras 2")
def test_a_plan_for_several_processes_waits_for_none(capsys, tmp_path, monkeypatch):
  task = {"type": "worker", "index": 0}
  monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": {"worker": ["a:1", "b:1", "c:1"]}, "task": task}))
  argv = (*NETWORK, "--dry_run", "--nodeterministic", "--distribution=multi_worker", f"--workdir={tmp_path}/run")
  assert run(train, *argv, "--batch_size=96") == 0
  assert "hours on 3 accelerators" in (printed := capsys.readouterr().out) and "of 32 images at once" in printed
  assert "a batch of 128 cannot be divided among 3 replicas" in failure(train, *argv, "--batch_size=128")
  assert "jit_compile=on needs one replica, got 3" in failure(train, *argv, "--batch_size=96", "--jit_compile=on")


@pytest.mark.parametrize(
  ("space", "convention"), [("nasbench201", "nasbench201"), ("hierarchical", "hierarchical"), ("autokeras", "nao")]
)
def test_networks_of_other_spaces_have_a_plan(space, convention, capsys, tmp_path):
  known = make_space(space)
  architecture = tmp_path / "cell.json"
  architecture.write_text(json.dumps(known.decode(known.sample(np.random.default_rng(0))).to_json()))
  argv = ("--task=digits", f"--architecture={architecture}", f"--convention={convention}", *FLAGS[2:])
  assert run(train, *argv, f"--workdir={tmp_path}/run") == 0
  printed = capsys.readouterr().out
  assert "multiply-adds per image:" in printed and "estimated memory per replica:" in printed


@pytest.mark.parametrize(
  "wrong", ["--batch_size=5000", "--architecture=NAO-RNN", "--optimizer=Sdg", "--accumulate_steps=3"]
)
def test_what_cannot_be_trained_is_refused(tmp_path, wrong):
  assert failure(train, *FLAGS, wrong, f"--workdir={tmp_path}/run")
  assert not list(tmp_path.iterdir())


def test_a_run_with_other_settings_is_found(tmp_path):
  settings = {"space": "nasnet5", "seed": 7}
  (tmp_path / "config.json").write_text(json.dumps(settings))
  with pytest.raises(RunDirectoryError, match="seed"):
    run(train, *FLAGS, f"--workdir={tmp_path}")


def test_a_well_known_set_that_is_not_here_is_planned_with_its_published_size(capsys, tmp_path):
  flagfile = GUIDE.parents[2] / "flags/paper/imagenet_naonet_a_42.flags"
  argv = (f"--flagfile={flagfile}", f"--data_dir={tmp_path}", "--dry_run", "--nodeterministic")
  assert run(train, *argv, f"--workdir={tmp_path}/run") == 0
  printed = capsys.readouterr().out
  assert "data: not found; this plan assumes the published size of imagenet2012" in printed
  assert "parameters: 11,353,831, 1,250,024 more" in printed and "1,281,167 images per epoch" in printed
  assert not list(tmp_path.iterdir())


def test_a_directory_that_is_not_there_is_refused_as_by_the_training(tmp_path):
  argv = ("--task=cifar10", *NETWORK[1:], "--dry_run", f"--data_dir={tmp_path}/typo", f"--workdir={tmp_path}/run")
  assert "typo is not a directory" in failure(train, *argv)


@pytest.mark.parametrize("task", ["text", "python_reference"])
def test_a_text_is_planned_without_a_copy_of_it(task, tmp_path, capsys):
  text = [f"--text_dir={write_files(tmp_path)}"] if task == "text" else []
  sizes = ("--architecture=lstm", "--units=4", "--batch_size=4", "--dry_run", "--nodeterministic")
  places = (f"--data_dir={tmp_path}/prepared", f"--workdir={tmp_path}/run")
  assert run(train, f"--task={task}", *text, *sizes, *places) == 0
  assert "tokens per epoch" in capsys.readouterr().out
  assert not (tmp_path / "prepared").exists() and not (tmp_path / "run").exists()


def test_a_network_of_billions_of_weights_is_planned_without_building_it(tmp_path, capsys):
  network = ("--task=imagenet2012", "--architecture=NAONet-B", "--image_size=8000", f"--data_dir={tmp_path}")
  assert run(train, *network, *FLAGS[-3:], f"--workdir={tmp_path}/run") == 0
  printed = capsys.readouterr().out
  assert "MB for weights, gradients and optimizer state, plus activations, which grow with --batch_size" in printed


def test_a_batch_that_the_data_does_not_fill_is_refused_by_the_flag(tmp_path):
  message = failure(train, *FLAGS, "--batch_size=5000", f"--workdir={tmp_path}/run")
  assert message.startswith("--batch_size=5000: digits: a batch of 5000 is more than the 1150 training examples")
