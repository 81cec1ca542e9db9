"""The processes of a SLURM job step, from the environment variables that `srun` sets. Does not import TensorFlow.

The processes are numbered node by node, in the order of the list of nodes, whatever `--distribution` of srun says.
"""

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from nao_tf import fields

VARIABLES = ("SLURM_PROCID", "SLURM_NTASKS", "SLURM_STEP_NODELIST")
"""The variables that each process of a step has."""

_RANK, _SIZE, _NODES = VARIABLES
_STEP_SIZE = "SLURM_STEP_NUM_TASKS"
_TASKS = "SLURM_STEP_TASKS_PER_NODE"
_NODE, _LOCAL = "SLURM_NODEID", "SLURM_LOCALID"
_FIRST_PORT = 8888
"""Port of the first process of each node; the second one has the next port, and so on."""
_MOST = 65536
"""Processes or nodes of a step at most."""

_NAME = re.compile(r"(?:[^\[\],\s]|\[[^\[\]]*\])+")
_RANGE = re.compile(r"(\d+)(?:-(\d+))?", re.ASCII)
_COUNT = re.compile(r"(\d+)(?:\(x(\d+)\))?", re.ASCII)


class Step(NamedTuple):
  """The processes of a job step.

  Attributes:
    addresses: an address for each process, of the form host:port.
    rank: which of them is that of this process, from 0.
  """

  addresses: tuple[str, ...]
  rank: int


def step_of(environment: Mapping[str, str]) -> Step:
  """Returns the processes of the job step that this process belongs to.

  Args:
    environment: its variables, those of `VARIABLES` at least.

  Raises:
    ValueError: if a variable is malformed, or they contradict each other; the message names them.
  """
  rank, size_name = _integer(environment, _RANK), _STEP_SIZE if _STEP_SIZE in environment else _SIZE
  size = _integer(environment, size_name, low=1)
  if rank >= size:
    raise ValueError(f"{_RANK}: expected a number less than {size_name}={size}, got {rank}")
  nodes = expand_nodes(environment[_NODES])
  counts = _tasks_per_node(environment, size, len(nodes))
  if len(counts) != len(nodes) or sum(counts) != size:
    raise ValueError(
      f"{_TASKS}: expected the {size} processes of {size_name} on the {len(nodes)} nodes of {_NODES}, got"
      f" {sum(counts)} on {len(counts)}"
    )
  addresses = (f"{node}:{_FIRST_PORT + i}" for node, count in zip(nodes, counts) for i in range(count))
  return Step(tuple(addresses), _index(environment, counts, rank))


def expand_nodes(text: str) -> list[str]:
  """Returns the names of the nodes of a list such as "gpu[08-10,12],login1", in its order.

  Raises:
    ValueError: if the list is malformed.
  """
  names = _NAME.findall(text)
  nodes = list(itertools.islice(itertools.chain.from_iterable(map(_expanded, names)), _MOST + 1))
  if not names or ",".join(names) != text or len(nodes) > _MOST:
    raise _malformed(text)
  return nodes


def _expanded(name: str) -> Iterator[str]:
  """Yields the nodes of one name, which may have ranges in brackets."""
  parts = re.split(r"\[([^\]]*)\]", name)  # Text and ranges take turns.
  choices = [_numbers(part) if i % 2 else [part] for i, part in enumerate(parts)]
  return map("".join, itertools.product(*choices))


def _numbers(ranges: str) -> list[str]:
  """Returns the numbers of ranges such as "08-10,12", with their leading zeros."""
  numbers: list[str] = []
  for part in ranges.split(","):
    match = _RANGE.fullmatch(part)
    low, high = (match[1], match[2] or match[1]) if match else ("1", "0")
    if max(len(low), len(high)) > 18 or not 0 <= int(high) - int(low) < _MOST:
      raise _malformed(f"[{ranges}]")
    numbers += [str(number).zfill(len(low)) for number in range(int(low), int(high) + 1)]
  return numbers


def _malformed(text: str) -> ValueError:
  return ValueError(f"{_NODES}: expected a list of nodes such as gpu[08-10,12],login1, got {fields.shown(text)}")


def _tasks_per_node(environment: Mapping[str, str], size: int, num_nodes: int) -> list[int]:
  """Returns how many processes each node has. Without the variable, all have equally many."""
  if _TASKS not in environment:
    if size % num_nodes:
      raise ValueError(f"expected the variable {_TASKS}, since {size} processes do not divide among {num_nodes} nodes")
    return [size // num_nodes] * num_nodes
  matches = [_COUNT.fullmatch(part) for part in environment[_TASKS].split(",")]
  counts = [(int(match[1][:6]), int((match[2] or "1")[:6])) for match in matches if match]
  if len(counts) < len(matches) or sum(times for _, times in counts) > _MOST:
    raise ValueError(f"{_TASKS}: expected numbers such as 2(x3),1, got {fields.shown(environment[_TASKS])}")
  return [count for count, times in counts for _ in range(times)]


def _index(environment: Mapping[str, str], counts: list[int], rank: int) -> int:
  """Returns the place of this process among all, node by node."""
  if not {_NODE, _LOCAL} <= set(environment):
    return rank
  node = _integer(environment, _NODE, high=len(counts) - 1)
  return sum(counts[:node]) + _integer(environment, _LOCAL, high=counts[node] - 1)


def _integer(environment: Mapping[str, str], name: str, low: int = 0, high: int | None = None) -> int:
  value = environment[name]
  if not (value.isascii() and value.isdecimal() and len(value) <= 9):
    raise ValueError(f"{name}: expected a number, got {fields.shown(value)}")
  return fields.integer(int(value), name, low, high)
