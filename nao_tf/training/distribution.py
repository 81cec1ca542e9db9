"""The distribution of the process: which devices a training runs on."""

import tensorflow as tf


def make_distribution(num_replicas: int | None = None) -> tf.distribute.Strategy:
  """Returns the distribution to train under. Call it once in a process, before anything runs on a device.

  With several devices it is a `MirroredStrategy`: each device has a copy of the network and a share of every batch. With
  one device it is the default of TensorFlow, which computes the same without the overhead.

  Args:
    num_replicas: how many devices to use. None for all GPUs, or the CPU if there is none. On a machine without a GPU the
      CPU is divided into that many logical devices.

  Raises:
    ValueError: if `num_replicas` is less than 1, or there are fewer GPUs than replicas.
    RuntimeError: if the CPU cannot be divided any more, since TensorFlow has begun to use it.
  """
  if num_replicas is not None and num_replicas < 1:
    raise ValueError(f"num_replicas must be at least 1, or None for all devices, got {num_replicas}")
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


def check_divisible(batch_size: int, distribution: tf.distribute.Strategy) -> None:
  """Checks that a batch can be divided among the replicas of a distribution.

  Raises:
    ValueError: if it cannot.
  """
  num_replicas = distribution.num_replicas_in_sync
  if batch_size % num_replicas:
    raise ValueError(f"a batch of {batch_size} cannot be divided among {num_replicas} replicas")


def _divide_cpu(count: int) -> None:
  cpu = tf.config.list_physical_devices("CPU")[0]
  try:
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * count)
  except RuntimeError as error:
    if len(tf.config.list_logical_devices("CPU")) != count:
      raise RuntimeError(
        f"cannot divide the CPU into {count} devices: TensorFlow already uses it as"
        f" {len(tf.config.list_logical_devices('CPU'))}; make the distribution before anything else"
      ) from error
