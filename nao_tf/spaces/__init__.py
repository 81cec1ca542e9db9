"""Search spaces by name. To add one, add a file in this folder and a row to `SPACES`."""

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
"""Import paths by name, each of a class or function that returns a search space when called without arguments."""

__all__ = ["SPACES", "Decision", "SearchSpace", "make_space"]


def make_space(name: str) -> SearchSpace:
  """Returns the search space with the given name.

  Args:
    name: a key of `SPACES`, or the import path of your own search space, `package.module:Name`.

  Raises:
    ValueError: if there is no such search space.
  """
  maker = registries.resolve(name, SPACES, "space")
  if not callable(maker) or not isinstance(space := maker(), SearchSpace):
    raise ValueError(f"space {name!r}: expected a class or function that makes a SearchSpace, got {maker!r}")
  return space
