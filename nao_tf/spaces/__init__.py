"""Search spaces by name. A new one is a file here and a row below."""

from nao_tf.spaces import nasbench101, nasbench201, nasnet, recurrent
from nao_tf.spaces.base import Decision, SearchSpace

SPACES = {
  "nasbench101": nasbench101.Nasbench101Space,
  "nasbench201": nasbench201.Nasbench201Space,
  "nasnet5": lambda: nasnet.NasnetSpace("nasnet5", nasnet.SMALL),
  "nasnet11": lambda: nasnet.NasnetSpace("nasnet11", nasnet.PAPER),
  "rnn12": recurrent.RecurrentSpace,
}

__all__ = ["SPACES", "Decision", "SearchSpace", "make_space"]


def make_space(name: str) -> SearchSpace:
  """Returns the registered space of that name.

  Raises:
    ValueError: if there is none.
  """
  if name not in SPACES:
    raise ValueError(f"unknown space {name!r}; expected one of {', '.join(sorted(SPACES))}")
  return SPACES[name]()
