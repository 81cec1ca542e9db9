"""The `tf.distribute.Strategy` of a process, that is, the devices of a training."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf

from nao_tf.training.cluster import Cluster, cluster_of, least_replicas
from nao_tf.training.fixed_parallelism import with_fixed_parallelism
from nao_tf.training.keras_version import IS_KERAS_3
from nao_tf.training.rendezvous import meet

Joining = Callable[[], contextlib.AbstractContextManager[Any]]
"""Creates the context of a call that does not come back to Python before TensorFlow has connected all processes."""


def make_distribution(
  num_replicas: int | None = None, *, kind: str | None = None, joining: Joining = contextlib.nullcontext
) -> tf.distribute.Strategy:
  """Returns the `tf.distribute.Strategy` to train with. Call it once per process, before anything runs on a device.

  With several devices it is a `MirroredStrategy`: each device has a copy of the network and an equal part of every
  batch. With one device it is TensorFlow's default, which computes the same without the overhead.

  Args:
    num_replicas: number of devices to use. None for all GPUs, or the CPU if there is none. On a machine without a GPU,
      the CPU is split into that many logical devices.
    kind: one of `nao_tf.training.cluster.KINDS`; None for "mirrored", or "none" with a single device. With
      "multi_worker", environment variables of each process describe the cluster, and the call blocks until all of them
      have called this.
    joining: with "multi_worker", context manager that is entered while TensorFlow connects the processes.

  Raises:
    ValueError: if `num_replicas` is less than 1 or does not fit the kind, there are fewer GPUs than replicas, or the
      environment describes no cluster.
    ConnectionError: if this process cannot join its cluster.
    RuntimeError: if the CPU cannot be split any more, since TensorFlow has been initialized.
  """
  least_replicas(kind, num_replicas)
  if kind == "multi_worker":
    return _make_multi_worker(cluster_of(), joining)
  if kind == "none":
    return tf.distribute.get_strategy()
  gpus = tf.config.list_physical_devices("GPU")
  if gpus and (num_replicas or 1) > len(gpus):
    raise ValueError(f"num_replicas is {num_replicas}, but there are {len(gpus)} GPUs")
  count = num_replicas or max(len(gpus), 1)
  if count == 1:
    return tf.distribute.get_strategy()
  if not gpus:
    _divide_cpu(count)
  kind = "GPU" if gpus else "CPU"
  return tf.distribute.MirroredStrategy([f"{kind}:{i}" for i in range(count)])


def cluster_replicas(num_replicas: int | None = None) -> int:
  """Returns how many replicas a distribution over the cluster of this process would have, without making it.

  To make it takes all processes of the cluster. They are supposed to have as many GPUs as this one.

  Args:
    num_replicas: see `make_distribution`.

  Raises:
    ValueError: if `make_distribution` would raise it.
  """
  size = least_replicas("multi_worker", num_replicas)
  _check_multi_worker()
  return size * max(1, len(tf.config.list_physical_devices("GPU")))


def _check_multi_worker() -> None:
  """Checks that there can be a distribution over several processes.

  Raises:
    ValueError: if there cannot.
  """
  if not IS_KERAS_3:
    raise ValueError(
      "several workers need Keras 3, this is Keras 2: there, a checkpoint must be written by all workers at once"
    )


def _make_multi_worker(cluster: Cluster, joining: Joining) -> tf.distribute.Strategy:
  """Returns a distribution over the processes of a cluster, and over all GPUs of each. It waits for all of them."""
  _check_multi_worker()
  try:
    return _joined(_resolver(cluster), joining)
  except (tf.errors.OpError, OSError) as error:
    reason = getattr(error, "message", str(error)).split("\n")[0]
    raise ConnectionError(
      f"this process cannot join the cluster of the training ({reason}); is its port free, and are the other processes"
      " running?"
    ) from error


def _resolver(cluster: Cluster) -> tf.distribute.cluster_resolver.ClusterResolver:
  if cluster.step is None:
    return tf.distribute.cluster_resolver.TFConfigClusterResolver()
  hosts = tf.train.ClusterSpec({"worker": list(cluster.step.addresses)})
  return tf.distribute.cluster_resolver.SimpleClusterResolver(
    hosts, task_type="worker", task_id=cluster.step.rank, rpc_layer="grpc"
  )


def _joined(resolver: tf.distribute.cluster_resolver.ClusterResolver, joining: Joining) -> tf.distribute.Strategy:
  hosts = resolver.cluster_spec().as_dict()  # Finds the type and the number of the task, too.
  meet(*_place(hosts, resolver.task_type, resolver.task_id))
  with joining():
    return tf.distribute.MultiWorkerMirroredStrategy(cluster_resolver=resolver)


def _place(hosts: Mapping[str, Sequence[str]], kind: str, number: int) -> tuple[list[str], int]:
  """Returns the addresses of a cluster, that of the chief first, and which of them is that of a task."""
  before = [address for name in sorted(hosts) if name < kind for address in hosts[name]]
  return [address for name in sorted(hosts) for address in hosts[name]], len(before) + number


def sharded(dataset: tf.data.Dataset, distribution: tf.distribute.Strategy) -> tf.distribute.DistributedDataset:
  """Returns batches of which each replica gets its share. Every process reads all of them.

  Args:
    dataset: batches of one size.
    distribution: the `tf.distribute.Strategy` of the process.
  """
  options = tf.data.Options()
  options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
  return distributed(dataset.with_options(options), distribution)


def distributed(dataset: tf.data.Dataset, distribution: tf.distribute.Strategy) -> tf.distribute.DistributedDataset:
  """Returns batches of which each replica gets its share, and whose iterators end at once.

  Args:
    dataset: batches of one size.
    distribution: the `tf.distribute.Strategy` of the process.
  """
  return distribution.experimental_distribute_dataset(with_fixed_parallelism(dataset))


def gathered(rows: Any, distribution: tf.distribute.Strategy) -> tf.Tensor:
  """Returns the rows of all replicas, those of other processes too, in the order of the replicas. Call it in a graph.

  Args:
    rows: what each replica returned, `[B, ...]`.
    distribution: the `tf.distribute.Strategy` of the process.
  """
  if isinstance(distribution, tf.distribute.MultiWorkerMirroredStrategy):
    return distribution.gather(rows, axis=0)
  return tf.concat(distribution.experimental_local_results(rows), 0)


def agreed(value: float, distribution: tf.distribute.Strategy) -> float:
  """Returns the mean of a number over all processes, so that all of them decide alike by it.

  Args:
    value: that each process has computed for itself; all of them must call this.
    distribution: the `tf.distribute.Strategy` of the process.
  """
  if not isinstance(distribution, tf.distribute.MultiWorkerMirroredStrategy):
    return value

  @tf.function(autograph=False)
  def mean(number: tf.Tensor) -> tf.Tensor:
    return distribution.reduce(tf.distribute.ReduceOp.MEAN, distribution.run(tf.identity, (number,)), axis=None)

  return float(mean(tf.constant(value, tf.float64)))


def _divide_cpu(count: int) -> None:
  cpu = tf.config.list_physical_devices("CPU")[0]
  try:
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * count)
  except RuntimeError as error:
    if len(tf.config.list_logical_devices("CPU")) != count:
      raise RuntimeError(
        f"cannot divide the CPU into {count} devices: TensorFlow already uses it as"
        f" {len(tf.config.list_logical_devices('CPU'))}; create the distribution before anything else"
      ) from error
