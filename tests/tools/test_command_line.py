"""The binaries as programs: what a user sees who starts them from some directory."""

import os
import pathlib
import subprocess
import sys

import pytest

from nao_tf.runs.journal import read_trials
from nao_tf.searches.one_shot import ONE_SHOT_SEARCHES
from nao_tf.spaces import SPACES
from nao_tf.strategies import STRATEGIES
from nao_tf.tools import flagging

TOOLS = pathlib.Path(flagging.__file__).parent
MINE = """
from nao_tf.trial import Evaluation

class Sum:
  @classmethod
  def from_context(cls, context):
    return cls()

  def evaluate(self, architectures):
    return [Evaluation(sum(architecture)) for architecture in architectures]
"""


def start(name, *argv, cwd):
  environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
  command = [sys.executable, str(TOOLS / f"{name}.py"), *argv]
  return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300, check=False)


def test_help_shows_all_flags_with_their_choices(tmp_path):
  text = start("search", "--help", cwd=tmp_path).stdout
  assert text.startswith("Searches for an architecture.") and "Example:" in text
  words = " ".join(text.split())
  for flag in ("workdir", "child_epochs", "nao_preset", "controller_mlp_size", "evolution_population_size"):
    assert f"--{flag}=" in words
  assert (
    f"how to search: one of {', '.join(sorted({**STRATEGIES, **ONE_SHOT_SEARCHES}))}, or package.module:Name" in words
  )
  assert f"what to search: one of {', '.join(sorted(SPACES))}, or package.module:Name" in words


@pytest.mark.parametrize(
  ("flag", "message"),
  [
    ("--nao_num_members=3", "FATAL Flags parsing error: --nao_num_members is called --nao_ensemble_size now"),
    ("--nonsense=3", "FATAL Flags parsing error: Unknown command line flag 'nonsense'"),
    ("--flagfile=none.flags", "FATAL Flags parsing error: "),
    ("--strategy=none:None", "error: strategy 'none:None': cannot import the module 'none': No module named 'none'"),
  ],
)
def test_a_wrong_flag_is_explained_without_a_traceback(flag, message, tmp_path):
  done = start("benchmark_strategies", flag, "--space=nasbench201", "--table=a.npz", "--output=out", cwd=tmp_path)
  assert done.returncode == 1 and message in done.stderr and "Traceback" not in done.stderr


def test_modules_in_the_current_directory_are_found(tmp_path):
  (tmp_path / "mine.py").write_text(MINE)
  argv = ["--evaluator=mine:Sum", "--space=nasbench201", "--strategy=random", "--num_trials=2", "--workdir=run"]
  done = start("search", *argv, cwd=tmp_path)
  assert done.returncode == 0, done.stderr
  assert [trial.reward for trial in read_trials(str(tmp_path / "run"))] == [
    sum(trial.architecture) for trial in read_trials(str(tmp_path / "run"))
  ]
