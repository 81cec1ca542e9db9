import numpy as np
import pytest

from nao_tf.controller.vocabulary import Vocabulary
from nao_tf.spaces import make_space
from nao_tf.spaces.genotypes import RecurrentGenotype
from nao_tf.spaces.published import RECURRENT_CELLS
from nao_tf.spaces.recurrent import RecurrentSpace


@pytest.fixture(scope="module")
def space():
  return make_space("rnn12")


def test_an_architecture_is_twenty_two_tokens_of_sixteen(space):
  vocabulary = Vocabulary.of(space)
  assert (vocabulary.length, vocabulary.size, vocabulary.tokens_per_step) == (22, 16, 1)


def test_tokens_are_those_of_the_paper(space):
  # Predecessor i is token i + 1; tanh, relu, identity and sigmoid are 12 to 15.
  tokens = Vocabulary.of(space).encode([RECURRENT_CELLS["NAO-RNN"].architecture])[0].tolist()
  assert tokens[:8] == [1, 13, 1, 13, 2, 13, 4, 12]
  assert tokens[-2:] == [2, 14]


@pytest.mark.parametrize("cell", RECURRENT_CELLS.values(), ids=RECURRENT_CELLS)
def test_published_strings_are_what_format_writes(cell):
  assert cell.space.format(cell.architecture, numbering=cell.numbering) == cell.text
  assert cell.space.parse(f"{cell.numbering}: {cell.text}") == cell.architecture


def test_the_published_cells_of_nao_are_in_the_registered_space(space):
  for name in ("NAO-RNN", "NAO-RNN-WS"):
    assert space.parse(RECURRENT_CELLS[name].text, numbering=RECURRENT_CELLS[name].numbering)
    assert RECURRENT_CELLS[name].space.name == space.name


@pytest.mark.parametrize(
  "name, expected",
  [
    (
      "NAO-RNN",
      "relu0 relu0 relu1 tanh3 relu4 relu4 relu5 relu1 relu7 relu1 identity1",
    ),
    (
      "NAO-RNN-WS",
      "relu0 relu1 sigmoid2 sigmoid1 relu4 relu4 relu4 relu7 sigmoid8 tanh1 relu4",
    ),
    ("DARTS-RNN-V1", "relu0 relu1 tanh2 relu3 relu4 identity1 relu5 relu1"),
    ("DARTS-RNN-V2", "sigmoid0 relu1 relu1 identity1 tanh2 sigmoid5 tanh3 relu5"),
  ],
)
def test_published_strings_mean_what_the_papers_figures_show(name, expected):
  assert " ".join(f"{n.activation}{n.predecessor}" for n in RECURRENT_CELLS[name].genotype.nodes) == expected


def test_the_two_numberings_differ_in_sigmoid_and_identity(space):
  text = "0 0 0 1 0 2 0 3 0 0 0 0 0 0 0 0 0 0 0 0 0 0"
  named = [
    [n.activation for n in space.decode(space.parse(text, numbering=key)).nodes[:4]] for key in ("nao", "nao_ws")
  ]
  assert named == [["tanh", "relu", "identity", "sigmoid"], ["tanh", "relu", "sigmoid", "identity"]]


def test_an_unknown_numbering_is_refused(space):
  with pytest.raises(ValueError, match=r"'enas'.*expected one of nao, nao_ws"):
    space.parse("enas: 0 1")


def test_encode_and_decode_are_inverse(space):
  architecture = RECURRENT_CELLS["NAO-RNN"].architecture
  assert space.encode(space.decode(architecture)) == architecture


def test_a_genotype_survives_json():
  genotype = RECURRENT_CELLS["NAO-RNN"].genotype
  assert RecurrentGenotype.from_json(genotype.to_json()) == genotype
  with pytest.raises(ValueError, match="not a recurrent genotype"):
    RecurrentGenotype.from_json({"normal": []})


def test_encode_refuses_other_activations(space):
  with pytest.raises(ValueError, match=r"no activation swish; has tanh"):
    space.encode(RecurrentGenotype.from_json({"recurrent": [[0, "swish"]] * 11}))


def relabel(architecture, rng):
  """Returns a random topological renumbering, found independently of the space's own code."""
  nodes = list(zip(architecture[::2], architecture[1::2]))
  new_number, encoding, left = {0: 0}, [], set(range(1, len(nodes) + 1))
  while left:
    node = int(rng.choice([n for n in sorted(left) if nodes[n - 1][0] in new_number]))
    left.remove(node)
    new_number[node] = len(encoding) // 2 + 1
    encoding += [new_number[nodes[node - 1][0]], nodes[node - 1][1]]
  return tuple(encoding)


def test_all_relabelings_have_one_canonical_encoding(space):
  rng = np.random.default_rng(0)
  for _ in range(30):
    architecture = space.sample(rng)
    others = [relabel(architecture, rng) for _ in range(10)]
    assert {space.canonical(other) for other in others} == {space.canonical(architecture)}


def test_canonical_tells_different_networks_apart():
  # 3 nodes, 2 ways to be a chain or a fork at each: count trees with labels by brute force over a 2-node space.
  space = RecurrentSpace("two", num_nodes=2)
  everything = [(0, a, p, b) for a in range(4) for p in range(2) for b in range(4)]
  chains = {space.canonical(x) for x in everything if x[2] == 1}
  forks = {space.canonical(x) for x in everything if x[2] == 0}
  assert len(chains) == 16  # ordered pairs of activations
  assert len(forks) == 10  # unordered pairs
  assert not chains & forks


def test_canonical_is_quick_when_all_nodes_are_alike(space):
  architecture = (0, 1) * 11
  assert space.canonical(architecture) == architecture


def test_equivalents_exchange_two_neighboring_nodes(space):
  rng = np.random.default_rng(0)
  architecture = (0, 1, 0, 0, 1, 2, 2, 3) + (0, 1) * 7
  found = {space.random_equivalent(architecture, rng)[:8] for _ in range(100)}
  assert (0, 0, 0, 1, 2, 2, 1, 3) in found  # nodes 1 and 2 exchanged
  assert (0, 1, 0, 0, 2, 3, 1, 2) in found  # nodes 3 and 4 exchanged


def test_a_chain_has_no_other_encoding(space):
  chain = tuple(n for node in range(11) for n in (node, 0))
  assert space.random_equivalent(chain, np.random.default_rng(0)) == chain
