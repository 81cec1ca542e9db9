"""Layer conventions: how published implementations of the same cell differ.

The paper (Luo et al., NeurIPS 2018, section 3.1) does not specify where strides are applied, which inputs are
projected, or where the auxiliary head is attached. Published networks decide these in different ways, on which their
number of parameters depends. A convention states these decisions as facts. Layers only read the facts, never the name
of a convention.
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
  """How the layers of a network are arranged.

  Attributes:
    kernel_scale: scale of the variance-scaling initializer of every kernel.
    kernel_mode: mode of that initializer, "fan_in" or "fan_out".
    kernel_distribution: distribution of that initializer.
    symmetric_padding: whether strided windows are padded equally on both sides; otherwise as by TensorFlow's SAME.
    split_stride: whether 1xk + kx1 convolutions stride the width in the first and the height in the second one;
      otherwise the first one has the whole stride.
    bottlenecks: whether convolutions other than 1x1 operate on a quarter of the channels, between two 1x1 convolutions.
    dilated_repeats: number of times that a dilated separable convolution is stacked.
    average_counts_padding: whether average pooling divides by the full window size at the border, too.
    factorized_identity: whether an identity with stride 2 is a factorized reduction; otherwise ReLU, 1x1 convolution
      and batch normalization.
    factorized_identity_relu: whether that factorized reduction starts with a ReLU.
    pool_projection_relu: whether the projection after pooling to another number of channels starts with a ReLU.
    drop_identity: whether drop-path also applies to identities.
    drop_strided_identity: whether drop-path also applies to identities with stride 2.
    stem_multiplier: number of filters of the stem for small images, as a multiple of F.
    project_first_input: whether the first cell also projects the stem for its input 0; otherwise it is used unchanged.
    project_equal_previous: whether input 0 of a cell is projected even if it already has the right number of channels.
    project_equal_current: whether input 1 of a cell is projected even if it already has the right number of channels.
    layer_base: whether input 1 of a cell is projected once more, F to F.
    stem_filters: number of channels of the convolution before the stem cells.
    stem_cells: number of reduction cells, with fewer filters, in the ImageNet stem; 0 for convolutions only.
    reduction_in_stage: whether the reduction cell is one of the N cells of its stage; otherwise it precedes them.
    skip_reduction: whether the cell after a reduction cell has the same input 0 as that; otherwise it has its input 1.
    head_relu: whether a ReLU precedes global pooling.
    classifier_bias: whether dense layers have a bias.
    auxiliary_offset: position of the cell that feeds the auxiliary head, relative to the second reduction cell.
    synchronized_norm: whether batch statistics are synchronized across replicas.
    norm_affine: whether batch normalization has a trainable scale and offset.
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
  """Returns the initializer of a kernel.

  Args:
    convention: defines scale, mode and distribution.
    seed: random seed; the kernel depends only on this and its shape.
    gain: factor of the scale. Depthwise kernels pass their number of channels if the mode counts these as fan-in.
  """
  from tensorflow import keras  # Costs are computed from conventions, without TensorFlow.

  return keras.initializers.VarianceScaling(
    convention.kernel_scale * gain, convention.kernel_mode, convention.kernel_distribution, seed=seed
  )


def derive_seeds(seed: int, count: int) -> list[int]:
  """Returns `count` independent 31-bit seeds that only depend on `seed`."""
  return [int(state) >> 1 for state in np.random.SeedSequence(seed).generate_state(count)]


def bottleneck_filters(filters: int, width: float) -> int:
  """Returns the channels in the middle of a bottleneck: that fraction of its filters, rounded down, but at least one."""
  return max(1, int(filters * width))
