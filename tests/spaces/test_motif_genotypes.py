import pytest

from nao_tf.spaces.genotypes import genotype_from_json
from nao_tf.spaces.motif_genotypes import MOST_OPERATIONS, Motif, MotifEdge, MotifGenotype, live_pairs

LOW = Motif("low", 3, (MotifEdge(1, 0, "sep3x3"), MotifEdge(2, 0, "identity"), MotifEdge(2, 1, "max3x3")))
CELL = Motif("cell", 3, (MotifEdge(1, 0, "low"), MotifEdge(2, 1, "low")))
GENOTYPE = MotifGenotype(((LOW,), (CELL,)))


def test_json_and_back():
  assert genotype_from_json(GENOTYPE.to_json()) == GENOTYPE


def test_a_motif_counts_in_each_place():
  assert GENOTYPE.num_operations == 6 and GENOTYPE.primitives == ["identity", "max3x3", "sep3x3"]


def test_edges_that_lead_nowhere_are_not_live():
  assert live_pairs([(1, 0), (2, 0), (3, 1), (4, 1)], 5) == {(1, 0), (4, 1)}
  assert live_pairs([(1, 0), (3, 2)], 4) == set()


@pytest.mark.parametrize(
  ("num_nodes", "edges", "message"),
  [
    (3, [(1, 0, "a")], "on a way"),
    (3, [], "there must be one"),
    (2, [(1, 1, "a")], "source of edge 0"),
    (2, [(2, 0, "a")], "node of edge 0"),
    (2, [(1, 0, 3)], "operation of edge 0"),
    (2, [(1, 0, "a"), (1, 0, "b")], "none there twice"),
    (1, [(1, 0, "a")], "num_nodes of x"),
  ],
)
def test_what_is_no_motif_is_refused(num_nodes, edges, message):
  with pytest.raises(ValueError, match=message):
    Motif("x", num_nodes, tuple(MotifEdge(*edge) for edge in edges))


@pytest.mark.parametrize(
  "data",
  [
    {"motifs": []},
    {"motifs": [[]]},
    {"motifs": [3]},
    {"motifs": [[{"name": "cell", "num_nodes": 2, "edges": [[1, 0]]}]]},
    {"motifs": [[{"name": "cell", "num_nodes": 2}]]},
    {"motifs": [GENOTYPE.to_json()["motifs"][0], GENOTYPE.to_json()["motifs"][0]]},
    {"motifs": [2 * GENOTYPE.to_json()["motifs"][0], GENOTYPE.to_json()["motifs"][1]]},
  ],
)
def test_json_that_is_no_genotype_is_refused(data):
  with pytest.raises(ValueError, match="not a genotype of motifs"):
    genotype_from_json(data)


def test_levels_that_grow_without_bound_are_refused():
  low = Motif("m", 3, (MotifEdge(1, 0, "identity"), MotifEdge(2, 0, "identity"), MotifEdge(2, 1, "identity")))
  high = Motif("m", 3, tuple(edge._replace(operation="m") for edge in low.edges))
  with pytest.raises(ValueError, match=f"at most {MOST_OPERATIONS:,}"):
    MotifGenotype(((low,), *(200 * ((high,),))))
