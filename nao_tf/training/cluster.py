"""The cluster of processes that train a network, from environment variables. Does not import TensorFlow.

Each process has the variable TF_CONFIG, as documented by TensorFlow, or the variables of a SLURM job.
"""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from typing import Any

from nao_tf import fields
from nao_tf.runs.json_files import parse_json
from nao_tf.training import slurm

KINDS = ("none", "mirrored", "multi_worker")
"""How a training is distributed: on one device, on the devices of this machine, or on several processes."""

TF_CONFIG = "TF_CONFIG"
_MEMBERS = ("cluster", "task")
_CHIEF = "chief"
_KINDS = (_CHIEF, "worker")


@dataclasses.dataclass(frozen=True)
class Cluster:
  """The place of a process in its cluster.

  Attributes:
    is_slurm: whether SLURM describes the cluster, and not TF_CONFIG.
    size: number of processes.
    is_chief: whether this process is the one that writes.
    step: its place in the job step of SLURM; None if TF_CONFIG describes the cluster.
  """

  is_slurm: bool
  size: int
  is_chief: bool
  step: slurm.Step | None = dataclasses.field(default=None, compare=False)


def cluster_of(environment: Mapping[str, str] = os.environ) -> Cluster:
  """Returns the place of this process in its cluster.

  Args:
    environment: its variables.

  Raises:
    ValueError: if they describe no cluster.
  """
  if TF_CONFIG in environment:
    return _of_tf_config(parse_json(environment[TF_CONFIG].encode(), TF_CONFIG))
  if all(name in environment for name in slurm.VARIABLES):
    step = slurm.step_of(environment)
    return Cluster(is_slurm=True, size=len(step.addresses), is_chief=step.rank == 0, step=step)
  raise ValueError(
    f"expected the variable {TF_CONFIG}, or {', '.join(slurm.VARIABLES)}, which srun sets for each process, to describe the"
    " cluster of the training; found neither in the environment"
  )


def least_replicas(kind: str | None, num_replicas: int | None, *, prefix: str = "") -> int:
  """Returns how many devices share a training at least. With GPUs there may be a multiple of them.

  Args:
    kind: how it is distributed, one of `KINDS`; None for what the machine has.
    num_replicas: how many devices are asked for; None for all.
    prefix: prefix of the names of these two in messages: "--" if they are flags.

  Raises:
    ValueError: if they do not fit together, or the environment describes no cluster.
  """
  given = f"{prefix}num_replicas={num_replicas}"
  if num_replicas is not None and num_replicas < 1:
    raise ValueError(f"{prefix}num_replicas must be at least 1, or None for all devices, got {num_replicas}")
  if kind == "none" and num_replicas not in (None, 1):
    raise ValueError(f"{prefix}distribution=none trains on one device, got {given}")
  if kind == "multi_worker" and num_replicas is not None:
    raise ValueError(f"{prefix}distribution=multi_worker uses all devices of each process; omit {given}")
  return cluster_of().size if kind == "multi_worker" else num_replicas or 1


def _of_tf_config(config: Any) -> Cluster:
  row = fields.mapping(config, TF_CONFIG)
  if not set(_MEMBERS) <= set(row):
    raise ValueError(f"{TF_CONFIG}: expected the members {' and '.join(_MEMBERS)}, got {', '.join(row) or 'none'}")
  hosts, task = (fields.mapping(row[name], f"{TF_CONFIG}: {name}") for name in _MEMBERS)
  if not hosts or not set(hosts) <= set(_KINDS):
    raise ValueError(f"{TF_CONFIG}: expected a cluster of {' and '.join(_KINDS)}, got {', '.join(hosts) or 'none'}")
  addresses = {kind: fields.elements(places, f"{TF_CONFIG}: cluster.{kind}") for kind, places in hosts.items()}
  _check_counts(addresses)
  _check_addresses([address for places in addresses.values() for address in places])
  counts = {kind: len(places) for kind, places in addresses.items()}
  kind = task.get("type")
  if kind not in list(counts):  # What comes may be of any type, such as a list.
    raise ValueError(f"{TF_CONFIG}: expected a task of the type {' or '.join(counts)}, got {fields.shown(kind)}")
  index = fields.integer(task.get("index"), f"{TF_CONFIG}: task.index", 0, counts[kind] - 1)
  return Cluster(is_slurm=False, size=sum(counts.values()), is_chief=index == 0 and kind == min(counts))


def _check_counts(addresses: Mapping[str, Sequence[Any]]) -> None:
  """Checks that a kind of task that is there has processes, and that there is one chief at most.

  Raises:
    ValueError: if not. TensorFlow would crash.
  """
  for kind, places in addresses.items():
    if not places or (kind == _CHIEF and len(places) > 1):
      expected = "one address" if kind == _CHIEF else "at least one address"
      raise ValueError(f"{TF_CONFIG}: expected {expected} in cluster.{kind}, got {len(places) or 'none'}")


def _check_addresses(addresses: Sequence[Any]) -> None:
  """Checks that each process has an address of its own.

  Raises:
    ValueError: if one has not. TensorFlow would wait for it in vain.
  """
  for address in addresses:
    host, _, port = fields.text(address, f"{TF_CONFIG}: an address of the cluster").rpartition(":")
    if not host or not _is_port(port):
      raise ValueError(f"{TF_CONFIG}: expected addresses of the form host:port, got {fields.shown(address)}")
    if addresses.count(address) > 1:
      raise ValueError(f"{TF_CONFIG}: expected an address for each process, got {address} twice")


def _is_port(text: str) -> bool:
  return text.isascii() and text.isdecimal() and len(text) <= 5 and 0 < int(text) < 65536
