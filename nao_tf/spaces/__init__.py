"""Search spaces by name. A new one is a file here and a row below."""

from nao_tf import registries
from nao_tf.spaces.base import Decision, SearchSpace

SPACES = {
  "autokeras": "nao_tf.spaces.autokeras:AutokerasSpace",
  "darts": "nao_tf.spaces.nasnet:darts",
  "flat": "nao_tf.spaces.hierarchical:flat",
  "hierarchical": "nao_tf.spaces.hierarchical:hierarchical",
  "nasbench101": "nao_tf.spaces.nasbench101:Nasbench101Space",
  "nasbench201": "nao_tf.spaces.nasbench201:Nasbench201Space",
  "nasnet5": "nao_tf.spaces.nasnet:nasnet5",
  "nasnet11": "nao_tf.spaces.nasnet:nasnet11",
  "nasnet13": "nao_tf.spaces.nasnet:nasnet13",
  "amoebanet8": "nao_tf.spaces.nasnet:amoebanet8",
  "amoebanet19": "nao_tf.spaces.nasnet:amoebanet19",
  "nas_rl": "nao_tf.spaces.nas_rl:nas_rl",
  "nas_rl15": "nao_tf.spaces.nas_rl:nas_rl15",
  "pnas": "nao_tf.spaces.pnas:PnasSpace",
  "snas": "nao_tf.spaces.nasnet:snas",
  "rnn9": "nao_tf.spaces.recurrent:rnn9",
  "rnn10": "nao_tf.spaces.recurrent:rnn10",
  "rnn12": "nao_tf.spaces.recurrent:RecurrentSpace",
}
"""Places by name. At a place is a class or a function that returns a space when it is called without arguments."""

__all__ = ["SPACES", "Decision", "SearchSpace", "make_space"]


def make_space(name: str) -> SearchSpace:
  """Returns the search space of that name.

  Args:
    name: key in the registry, or the place of a space of your own, `package.module:Name`.

  Raises:
    ValueError: if there is none.
  """
  maker = registries.resolve(name, SPACES, "space")
  if not callable(maker) or not isinstance(space := maker(), SearchSpace):
    raise ValueError(f"space {name!r}: expected a class or function that makes a SearchSpace, got {maker!r}")
  return space
