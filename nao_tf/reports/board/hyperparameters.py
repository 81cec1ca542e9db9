"""Trials in the HParams tab of TensorBoard, where each decision of a search space is a hyperparameter.

TensorBoard's own functions for this import TensorFlow, so the messages are constructed here.
"""

import time
from collections.abc import Sequence
from typing import Any

from nao_tf.reports.choices import label_of
from nao_tf.spaces.base import SearchSpace
from nao_tf.trial import Architecture

REWARD = "reward"
SECONDS = "evaluation_seconds"
START_TAG = "_hparams_/session_start_info"
END_TAG = "_hparams_/session_end_info"
EXPERIMENT_TAG = "_hparams_/experiment"


def experiment(space: SearchSpace) -> Any:
  """Returns the value that says which hyperparameters and metrics the trials of a search have."""
  from tensorboard.plugins.hparams import api_pb2, plugin_data_pb2

  metrics = [api_pb2.MetricInfo(name=api_pb2.MetricName(tag=tag), display_name=tag) for tag in (REWARD, SECONDS)]
  description = api_pb2.Experiment(
    description=f"Trials of a search in the space {space.name}",
    time_created_secs=time.time(),
    hparam_infos=[_info(space, position) for position in range(len(space.decisions))],
    metric_infos=metrics,
  )
  return _value(EXPERIMENT_TAG, plugin_data_pb2.HParamsPluginData(experiment=description))


def session_start(space: SearchSpace, architecture: Architecture, name: str, start: float) -> Any:
  """Returns the value with which a trial begins.

  Args:
    space: space of the architecture.
    architecture: its choices are the hyperparameters.
    name: name of the trial.
    start: when it began, seconds since 1970.
  """
  from tensorboard.plugins.hparams import plugin_data_pb2

  info = plugin_data_pb2.SessionStartInfo(group_name=name, start_time_secs=start)
  for position, (key, choice) in enumerate(zip(space.decision_names, architecture)):
    hyperparameter, value = info.hparams[key], _choice(space, position, choice)
    if isinstance(value, str):
      hyperparameter.string_value = value
    else:
      hyperparameter.number_value = value
  return _value(START_TAG, plugin_data_pb2.HParamsPluginData(session_start_info=info))


def session_end(*, ok: bool) -> Any:
  """Returns the value with which a trial ends: it has a reward, or it has failed."""
  from tensorboard.plugins.hparams import api_pb2, plugin_data_pb2

  status = api_pb2.STATUS_SUCCESS if ok else api_pb2.STATUS_FAILURE
  info = plugin_data_pb2.SessionEndInfo(status=status, end_time_secs=time.time())
  return _value(END_TAG, plugin_data_pb2.HParamsPluginData(session_end_info=info))


def _info(space: SearchSpace, position: int) -> Any:
  """Returns the description of a decision."""
  from google.protobuf import struct_pb2
  from tensorboard.plugins.hparams import api_pb2

  decision, name = space.decisions[position], space.decision_names[position]
  if decision.ordered:
    interval = api_pb2.Interval(min_value=0, max_value=decision.size - 1)
    return api_pb2.HParamInfo(name=name, display_name=name, type=api_pb2.DATA_TYPE_FLOAT64, domain_interval=interval)
  values = [struct_pb2.Value(string_value=choice) for choice in _choices(space, position)]
  return api_pb2.HParamInfo(
    name=name,
    display_name=name,
    type=api_pb2.DATA_TYPE_STRING,
    domain_discrete=struct_pb2.ListValue(values=values),
  )


def _choices(space: SearchSpace, position: int) -> Sequence[str]:
  return [label_of(space, position, choice)[1] for choice in range(space.decisions[position].size)]


def _choice(space: SearchSpace, position: int, choice: int) -> str | float:
  """Returns a choice as people read it. That of an ordered decision is its number, so that it has an axis."""
  return float(choice) if space.decisions[position].ordered else label_of(space, position, choice)[1]


def _value(tag: str, content: Any) -> Any:
  from tensorboard.compat.proto.summary_pb2 import Summary
  from tensorboard.plugins.hparams import metadata

  return Summary.Value(tag=tag, metadata=metadata.create_summary_metadata(content), tensor=metadata.NULL_TENSOR)
