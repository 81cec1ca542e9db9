"""Flags for the executor of a search: where trials are evaluated, and how many in parallel."""

from collections.abc import Callable

from absl import flags

from nao_tf.evaluators.base import Evaluator
from nao_tf.searches.executors import EXECUTORS, Executor, ExecutorSettings, make_executor
from nao_tf.searches.executors.machine import leave_gpu_memory
from nao_tf.searches.loop import ASKING
from nao_tf.tools import flag_types

_AUTO = "auto"
_WITH_WORKERS = ("processes", "ray")


class WorkersParser(flags.ArgumentParser[str]):
  """Reads a number of workers, or "auto"."""

  def parse(self, argument: str | int) -> str:
    """Returns the text.

    Raises:
      ValueError: if it is neither "auto" nor an integer above 0.
    """
    text = str(argument).strip()
    if text != _AUTO and not (text.isdecimal() and int(text) > 0):
      raise ValueError(f"expected a whole number above 0, or {_AUTO}, got {argument!r}")
    return text

  def flag_type(self) -> str:
    """Returns what the flag takes, in words."""
    return f"a number, or {_AUTO}"


def define(flag_values: flags.FlagValues) -> None:
  """Defines the flags."""
  help_ = "where to evaluate trials"
  flag_types.define_name("executor", "inline", EXECUTORS, "executor", help_, flag_values=flag_values)
  help_ = (
    "number of trials to evaluate in parallel, in processes if no executor is given; auto: one per GPU, or else per"
    " core; on a cluster, as many as it has room for"
  )
  flags.DEFINE(WorkersParser(), "num_workers", "1", help_, flag_values, flags.ArgumentSerializer[str]())
  help_ = "when to request the next batch: as soon as a worker is free, or when all trials of the last batch are done"
  flags.DEFINE_enum("asking", "as_free", list(ASKING), help_, flag_values=flag_values)
  help_ = "memory limit of a worker process in GiB; default: an equal share of the memory of the machine"
  flag_types.define_number("worker_memory", None, help_, 0.0, flag_values=flag_values)
  help_ = "with --executor=ray: number of GPUs per trial, such as 0.5"
  flag_types.define_number("gpus_per_trial", 0.0, help_, 0.0, flag_values=flag_values)
  help_ = "with --executor=ray: number of CPU cores per trial"
  flag_types.define_number("cpus_per_trial", 1.0, help_, 0.0, flag_values=flag_values)
  help_ = "with --executor=ray: address of a running cluster, or auto; default: start Ray on this machine"
  flags.DEFINE_string("ray_address", None, help_, flag_values=flag_values)
  help_ = "with --ray_address: directory to copy to each node, such as that of your own modules"
  flags.DEFINE_string("ray_working_dir", None, help_, flag_values=flag_values)


def check(flag_values: flags.FlagValues) -> None:
  """Checks that the flags fit together.

  Raises:
    ValueError: if they do not.
  """
  name = executor_name(flag_values)
  if name == "inline" and flag_values.num_workers not in ("1", _AUTO):
    number = flag_values.num_workers
    raise ValueError(
      f"--executor=inline evaluates one trial at a time, got --num_workers={number}; omit --executor to use"
      f" {number} processes on this machine, or pass --executor=ray"
    )
  own = [
    flag for flag in ("gpus_per_trial", "cpus_per_trial", "ray_address", "ray_working_dir") if flag_values[flag].present
  ]
  if name in ("inline", "processes") and own:
    raise ValueError(f"--{own[0]} needs --executor=ray, got --executor={flag_values.executor}")
  if name == "inline" and flag_values.worker_memory is not None:
    raise ValueError("--worker_memory limits worker processes; it needs --executor=processes")
  if flag_values.ray_working_dir is not None and flag_values.ray_address is None:
    raise ValueError("--ray_working_dir is for a running cluster; it needs --ray_address")
  settings(flag_values)


def executor_name(flag_values: flags.FlagValues) -> str:
  """Returns the executor: processes, if trials have a time limit, or if there are several workers and none is named."""
  is_limited = flag_values.executor == "inline" and flag_values.trial_timeout is not None
  is_parallel = not flag_values["executor"].present and flag_values.num_workers != "1"
  return "processes" if is_limited or is_parallel else flag_values.executor


def settings(flag_values: flags.FlagValues) -> ExecutorSettings:
  """Returns the number of workers, and what each of them gets.

  Raises:
    ValueError: if a number is out of range.
  """
  return ExecutorSettings(
    num_workers=None if flag_values.num_workers == _AUTO else int(flag_values.num_workers),
    trial_timeout=flag_values.trial_timeout,
    worker_memory=flag_values.worker_memory,
    gpus_per_trial=flag_values.gpus_per_trial,
    cpus_per_trial=flag_values.cpus_per_trial,
    ray_address=flag_values.ray_address,
    ray_working_dir=flag_values.ray_working_dir,
  )


def share_gpus(flag_values: flags.FlagValues) -> None:
  """Lets this process leave the memory of GPUs to its workers. To be called before TensorFlow looks for devices."""
  if executor_name(flag_values) in _WITH_WORKERS:
    leave_gpu_memory()


def executor(flag_values: flags.FlagValues, make_evaluator: Callable[[], Evaluator]) -> Executor:
  """Returns the executor, which is to be closed.

  Args:
    flag_values: the flags.
    make_evaluator: returns the evaluator of a worker; picklable.
  """
  return make_executor(executor_name(flag_values), make_evaluator, settings(flag_values))
