"""What the names of operations say: the family of an operation, and the size of its kernel."""

import re

_FAMILIES = {
  "convolution": ("conv", "nor_conv"),
  "separable": ("sep", "depthwise"),
  "dilated": ("dil",),
  "max pooling": ("max",),
  "average pooling": ("avg",),
  "min pooling": ("min",),
  "identity": ("identity", "skip"),
  "tanh": ("tanh",),
  "relu": ("relu",),
  "sigmoid": ("sigmoid",),
}
"""Families of operations, each with what the names of its operations begin with."""
ZERO = "zero"
"""Name of the absent operation in cells whose edges or branches may be absent."""
ABSENT = (ZERO, "none")
"""Names that stand for no operation: nothing is computed."""
OTHER = "other"
FAMILIES = (*_FAMILIES, OTHER)

_KERNEL = re.compile(r"(\d+)x(\d+)")


def family_of(operation: str) -> str:
  """Returns the family of an operation or activation."""
  matches = (family for family, starts in _FAMILIES.items() if operation.startswith(starts))
  return next(matches, OTHER)


def kernel_size_of(operation: str) -> int:
  """Returns the longer side of the kernel that a name such as "sep5x5" or "conv1x7_7x1" tells of; 0 if it tells of none."""
  return max((int(side) for sides in _KERNEL.findall(operation) for side in sides), default=0)
