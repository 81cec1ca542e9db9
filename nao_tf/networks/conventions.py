"""Conventions: what published implementations of the same cell do differently.

The paper (Luo et al., NeurIPS 2018, section 3.1) leaves open where a stride goes, which inputs are projected, where the
auxiliary head sits. Each published network decides these in its own way, and its number of parameters depends on them. A
convention states them as facts. Layers read the facts and never ask for a convention's name.
"""

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
  from tensorflow import keras


A_QUARTER, THREE_EIGHTHS = 0.25, 0.375
"""Widths of bottlenecks, as shares of the channels."""


@dataclasses.dataclass(frozen=True)
class Convention:
  """How the layers of a network are put together.

  Attributes:
    kernel_scale: scale of the variance-scaling initializer of every kernel.
    kernel_mode: its mode, "fan_in" or "fan_out".
    kernel_distribution: its distribution.
    symmetric_padding: pad strided windows equally on both sides; otherwise as TensorFlow's SAME does.
    split_stride: in 1xk + kx1 convolutions, stride the width in the first and the height in the second; otherwise the
      first takes the whole stride.
    bottlenecks: convolutions other than 1x1 work on a quarter of the channels, between two 1x1 convolutions.
    dilated_repeats: how often a dilated separable convolution is stacked.
    average_counts_padding: at the border, too, average pooling divides by the size of the whole window.
    factorized_identity: an identity of stride 2 is a factorized reduction; otherwise a ReLU, 1x1 convolution and norm.
    factorized_identity_relu: that factorized reduction begins with a ReLU.
    pool_projection_relu: where a pool projects to other channels, the projection begins with a ReLU.
    drop_identity: drop-path acts on identities, too.
    drop_strided_identity: drop-path acts on identities of stride 2, too.
    stem_multiplier: filters of the stem for small images, in F.
    project_first_input: the first cell projects the stem for its input 0, too; otherwise it reads the stem as it is.
    project_equal_previous: input 0 of a cell is projected even if it has the right number of channels already.
    project_equal_current: input 1 of a cell is projected even if it has the right number of channels already.
    layer_base: input 1 of a cell is projected once more, F to F.
    stem_filters: channels of the convolution before stem cells.
    stem_cells: how many reduction cells, with fewer filters, the ImageNet stem has; with none it is convolutions alone.
    reduction_in_stage: the reduction cell is one of the N cells of its stage; otherwise it comes before them.
    skip_reduction: the cell after a reduction cell reads the same input 0 as that; otherwise the input 1 of that.
    head_relu: a ReLU comes before global pooling.
    classifier_bias: dense layers have a bias.
    auxiliary_offset: the auxiliary head reads the cell so many places after the second reduction cell.
    synchronized_norm: batch statistics are taken over all replicas of a distribution.
    norm_affine: batch normalization has a scale and an offset that are trained.
  """

  kernel_scale: float = 1.0
  kernel_mode: str = "fan_out"
  kernel_distribution: str = "truncated_normal"
  symmetric_padding: bool = False
  split_stride: bool = False
  bottlenecks: bool = False
  dilated_repeats: int = 2
  average_counts_padding: bool = False
  factorized_identity: bool = False
  factorized_identity_relu: bool = False
  pool_projection_relu: bool = True
  drop_identity: bool = False
  drop_strided_identity: bool = False
  stem_multiplier: int = 3
  project_first_input: bool = False
  project_equal_previous: bool = False
  project_equal_current: bool = True
  layer_base: bool = False
  stem_filters: int = 32
  stem_cells: int = 2
  reduction_in_stage: bool = False
  skip_reduction: bool = False
  head_relu: bool = True
  classifier_bias: bool = True
  auxiliary_offset: int = 1
  synchronized_norm: bool = False
  norm_affine: bool = True


_NAO = Convention()
_SLIM = dataclasses.replace(_NAO, kernel_scale=2.0, pool_projection_relu=False, auxiliary_offset=-1)
_TORCH = Convention(
  kernel_scale=2.0,
  kernel_mode="fan_in",
  kernel_distribution="untruncated_normal",
  symmetric_padding=True,
  split_stride=True,
  dilated_repeats=1,
  factorized_identity=True,
  drop_identity=True,
  drop_strided_identity=True,
  project_first_input=True,
  project_equal_current=False,
  stem_cells=0,
  head_relu=False,
  auxiliary_offset=0,
)
_DARTS = dataclasses.replace(
  _TORCH,
  kernel_scale=1 / 3,
  kernel_distribution="uniform",
  split_stride=False,
  factorized_identity_relu=True,
  drop_identity=False,
  project_equal_previous=True,
  project_equal_current=True,
)

CONVENTIONS = {
  # The TensorFlow release of NAO: NAONet.
  "nao": _NAO,
  # The TensorFlow release of NAO with weight sharing, final network: NAONet-WS.
  "nao_ws": dataclasses.replace(
    _NAO, factorized_identity=True, project_first_input=True, layer_base=True, classifier_bias=False
  ),
  # The PyTorch releases: NAONet-B, NAONet-V2 and the shapes of NAONet-A.
  "torch": _TORCH,
  # The eleven-operation space of the first PyTorch release: NAONet-A. Its average pools divide by the whole window.
  "torch_large": dataclasses.replace(_TORCH, average_counts_padding=True),
  # DARTS (Liu et al., ICLR 2019) and what was compared with it, such as SNAS. Kernels begin as PyTorch's do by default.
  "darts": _DARTS,
  # NAS-Bench-201 (Dong and Yang, ICLR 2020): a norm and a ReLU come before the classifier.
  "nasbench201": dataclasses.replace(_DARTS, stem_multiplier=1, head_relu=True),
  # The release of NASNet in TensorFlow's model garden: NASNet-A on CIFAR and its small networks on ImageNet.
  "slim": _SLIM,
  # Its large network on ImageNet.
  "slim_large": dataclasses.replace(_SLIM, stem_filters=96, skip_reduction=True),
  # PNASNet-5 in the same release: there is one cell, and the first of the second and third stage has stride 2.
  "pnas": dataclasses.replace(_SLIM, reduction_in_stage=True),
  # Its large network on ImageNet.
  "pnas_large": dataclasses.replace(_SLIM, reduction_in_stage=True, stem_filters=96),
  # The release of AmoebaNet for TPUs.
  "tpu_amoeba": dataclasses.replace(_SLIM, bottlenecks=True),
  # Hierarchical evolution (Liu et al., ICLR 2018): the resolution is halved between two cells of motifs.
  "hierarchical": Convention(
    kernel_scale=2.0, kernel_mode="fan_in", stem_multiplier=1, reduction_in_stage=True, auxiliary_offset=0
  ),
}


def kernel_initializer(convention: Convention, seed: int, *, gain: float = 1.0) -> "keras.initializers.Initializer":
  """Returns the initializer of one kernel.

  Args:
    convention: gives scale, mode and distribution.
    seed: the kernel depends on this and its shape alone.
    gain: factor on the scale. Depthwise kernels pass their channels where the mode counts these as fan-in.
  """
  from tensorflow import keras  # Costs are computed from conventions, without TensorFlow.

  return keras.initializers.VarianceScaling(
    convention.kernel_scale * gain, convention.kernel_mode, convention.kernel_distribution, seed=seed
  )


def derive_seeds(seed: int, count: int) -> list[int]:
  """Returns `count` seeds of 31 bits that depend on `seed` alone, independent of one another."""
  return [int(state) >> 1 for state in np.random.SeedSequence(seed).generate_state(count)]


def bottleneck_filters(filters: int, width: float) -> int:
  """Returns the channels in the middle of a bottleneck: that fraction of its filters, rounded down, but at least one."""
  return max(1, int(filters * width))
