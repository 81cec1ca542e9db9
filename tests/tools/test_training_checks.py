"""What nao-train tells of a mistake before TensorFlow is loaded and the work directory is made."""

import json
import re

import pytest

from nao_tf.tools import train
from tests.tools.test_tools import failure

FLAGS = ("--task=digits", "--architecture=NAONet-WS", "--num_cells=1", "--filters=4")
CLUSTER = {"cluster": {"worker": ["a:1", "b:1", "c:1"]}, "task": {"type": "worker", "index": 0}}


@pytest.mark.parametrize(
  ("wrong", "message"),
  [
    (["--jit_compile=maybe"], "--jit_compile must be one of auto, on, off, got 'maybe'"),
    (["--jit_compile=on", "--num_replicas=2"], "jit_compile=on needs one replica, got 2"),
    (["--nan_rate_factor=2"], r"--nan_rate_factor must be in \[0, 1\], got 2"),
    (["--accumulate_steps=3"], "a batch_size of 128 cannot be divided into --accumulate_steps=3 equal parts"),
    (["--num_replicas=3"], "a batch of 128 cannot be divided among 3 replicas; batch_size must be a multiple of that"),
    (["--num_replicas=2", "--distribution=none"], "--distribution=none trains on one device, got --num_replicas=2"),
    (["--num_replicas=2", "--distribution=multi_worker"], "omit --num_replicas=2"),
    (["--distribution=multi_worker"], "a batch of 128 cannot be divided among 3 replicas"),
    (["--image_dir=nowhere"], "--image_dir=nowhere: there is no such file or directory"),
    (["--text_dir=nowhere"], "--text_dir=nowhere: there is no such file or directory"),
  ],
)
def test_a_mistake_is_told_before_there_is_a_work_directory(tmp_path, monkeypatch, capsys, wrong, message):
  monkeypatch.setenv("TF_CONFIG", json.dumps(CLUSTER))
  assert re.search(message, failure(train, *FLAGS, *wrong, f"--workdir={tmp_path}/run"))
  assert "work directory" not in capsys.readouterr().out and not list(tmp_path.iterdir())


def test_networks_that_cannot_hold_the_cell_are_refused_at_once(tmp_path, capsys):
  cell = "|nor_conv_1x1~0|+|none~0|none~1|+|none~0|none~1|none~2|"
  argv = ("--task=digits", "--space=nasbench201", f"--architecture={cell}", f"--workdir={tmp_path}/run")
  assert "need --convention=nasbench201 and the stem cifar" in failure(train, *argv)
  assert "work directory" not in capsys.readouterr().out and not list(tmp_path.iterdir())
