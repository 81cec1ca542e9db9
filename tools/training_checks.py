"""Checks of `nao-train` that need neither TensorFlow nor data, so that mistakes are reported immediately."""

from absl import flags

from nao_tf.networks.edge_convention import check_network
from nao_tf.spaces.genotypes import Genotype
from nao_tf.tasks.base import Configs
from nao_tf.tools import experiment, flagging
from nao_tf.training.cluster import least_replicas
from nao_tf.training.config import check_accumulation, check_divisible
from nao_tf.training.run_options import RunOptions, check_compiled


def check(flag_values: flags.FlagValues, genotype: Genotype, configs: Configs) -> None:
  """Checks what the flags say of a training.

  Args:
    flag_values: flag values of the training.
    genotype: genotype of the network.
    configs: how the network is built and trained.

  Raises:
    ValueError: if they do not fit together, or the environment describes no cluster.
    FileNotFoundError: if the data is not where a flag says.
  """
  options = flagging.build(RunOptions(), flag_values)
  experiment.check_files(flag_values)
  num_replicas = least_replicas(flag_values.distribution, flag_values.num_replicas, prefix="--")
  batch_size = configs.training_config.batch_size
  check_divisible(batch_size, num_replicas)
  check_accumulation(batch_size, getattr(configs.training_config, "accumulate_steps", 1), num_replicas)
  check_compiled(options.jit_compile, num_replicas)
  check_network(genotype, configs.network_config)
