"""The resources of this machine, GPUs, cores and memory, and how they are divided among workers."""

import glob
import os
from collections.abc import Sequence

_THREADS = (
  "OMP_NUM_THREADS",
  "OPENBLAS_NUM_THREADS",
  "MKL_NUM_THREADS",
  "TF_NUM_INTRAOP_THREADS",
  "TF_NUM_INTEROP_THREADS",
)
"""Variables that say how many threads the libraries for arrays start."""

_GPUS = "CUDA_VISIBLE_DEVICES"
_MEMORY_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
_GIB = 2**30


def visible_gpus() -> list[str]:
  """Returns the GPUs visible to this process, named as in `CUDA_VISIBLE_DEVICES`, without loading any library."""
  named = os.environ.get(_GPUS)
  if named is None:
    return [str(number) for number in range(len(glob.glob("/dev/nvidia[0-9]*")))]
  usable = []
  for name in (part.strip() for part in named.split(",")):
    if name in ("", "-1", "NoDevFiles"):  # As CUDA does, what comes behind it is not seen.
      break
    usable.append(name)
  return usable


def leave_gpu_memory() -> None:
  """Leaves the GPU memory to workers. Call it before TensorFlow initializes its devices."""
  os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")


def num_cores() -> int:
  """Returns the number of CPU cores available to this process."""
  if hasattr(os, "sched_getaffinity"):
    return len(os.sched_getaffinity(0))
  return os.cpu_count() or 1


def memory_gib() -> float:
  """Returns the total memory of this machine or container, in GiB."""
  total = float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
  for path in _MEMORY_LIMITS:
    try:
      with open(path, encoding="ascii") as file:
        total = min(total, float(file.read()))
    except (OSError, ValueError):  # There is no such file, or it says "max".
      continue
  return total / _GIB


def held_gib(pid: int | None) -> float:
  """Returns the memory used by a process, in GiB; 0 if the system does not report it."""
  try:
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
      return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / _GIB
  except (OSError, IndexError, ValueError):
    return 0.0


def default_num_workers() -> int:
  """Returns the default number of workers: one per GPU, or else one per core."""
  return len(visible_gpus()) or num_cores()


def thread_limits(num_threads: int) -> dict[str, str]:
  """Returns environment variables that limit the number of threads of a process, without those that are set already."""
  return {name: str(max(1, num_threads)) for name in _THREADS if name not in os.environ}


def shares(num_workers: int) -> list[dict[str, str]]:
  """Returns the environment variables of each worker.

  If there are GPUs, each worker sees exactly one of them. If there are more workers than GPUs, several share one and
  allocate memory as needed. The cores are divided evenly among workers as threads, unless the environment of the caller
  sets the number of threads. A single worker sees the same devices as this process.
  """
  if num_workers == 1:
    return [{}]
  gpus = visible_gpus()
  common = thread_limits(num_cores() // num_workers)
  if len(gpus) < num_workers:
    common["TF_FORCE_GPU_ALLOW_GROWTH"] = "true"
  return [{**common, **_gpu(gpus, number)} for number in range(num_workers)]


def _gpu(gpus: Sequence[str], number: int) -> dict[str, str]:
  return {_GPUS: gpus[number % len(gpus)]} if gpus else {}
