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
    dilated_repeats: how often a dilated separable convolution is stacked.
    average_counts_padding: at the border, too, average pooling divides by the size of the whole window.
    factorized_identity: an identity of stride 2 is a factorized reduction; otherwise a ReLU, 1x1 convolution and norm.
    drop_identity: drop-path acts on identities, too.
    project_first_input: the first cell projects the stem for its input 0, too; otherwise it reads the stem as it is.
    project_equal_current: input 1 of a cell is projected even if it has the right number of channels already.
    layer_base: input 1 of a cell is projected once more, F to F.
    stem_cells: how many reduction cells, with fewer filters, the ImageNet stem has; with none it is convolutions alone.
    head_relu: a ReLU comes before global pooling.
    classifier_bias: dense layers have a bias.
    auxiliary_after_reduction: the auxiliary head reads the second reduction cell; otherwise the normal cell after it.
    synchronized_norm: batch statistics are taken over all replicas of a distribution.
  """

  kernel_scale: float = 1.0
  kernel_mode: str = "fan_out"
  kernel_distribution: str = "truncated_normal"
  symmetric_padding: bool = False
  split_stride: bool = False
  dilated_repeats: int = 2
  average_counts_padding: bool = False
  factorized_identity: bool = False
  drop_identity: bool = False
  project_first_input: bool = False
  project_equal_current: bool = True
  layer_base: bool = False
  stem_cells: int = 2
  head_relu: bool = True
  classifier_bias: bool = True
  auxiliary_after_reduction: bool = False
  synchronized_norm: bool = False


_NAO = Convention()
_TORCH = Convention(
  kernel_scale=2.0,
  kernel_mode="fan_in",
  kernel_distribution="untruncated_normal",
  symmetric_padding=True,
  split_stride=True,
  dilated_repeats=1,
  factorized_identity=True,
  drop_identity=True,
  project_first_input=True,
  project_equal_current=False,
  stem_cells=0,
  head_relu=False,
  auxiliary_after_reduction=True,
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
