import pytest

from nao_tf.spaces.genotypes import genotype_from_json
from nao_tf.spaces.layered_genotypes import Convolution, LayeredGenotype, Skip

STAGES = ((Convolution(3, 1), Convolution(1, 2)), (Convolution(5, 4),))
GENOTYPE = LayeredGenotype(STAGES, (4, 2), (Skip(0, 2, "add"), Skip(1, 4, "concat")))


def test_layers_are_numbered_from_the_first_convolution_to_the_last_dense_layer():
  assert GENOTYPE.widths == (1, 2, 4, 4, 2)
  assert GENOTYPE.sections == (0, 0, 1, 2, 2)
  assert GENOTYPE.skip_to(4) == Skip(1, 4, "concat") and GENOTYPE.skip_to(3) is None


def test_json_and_genotype_are_inverse():
  assert genotype_from_json(GENOTYPE.to_json()) == GENOTYPE


@pytest.mark.parametrize(
  ("change", "message"),
  [
    ({"stages": []}, "expected at least one stage"),
    ({"stages": [[[3, 1]], []]}, "and a convolution in each"),
    ({"stages": [[[2, 1]]]}, "kernel_size of layer 0 must be odd, got 2"),
    ({"stages": [[[3, 1, 1]]]}, "stages|a convolution"),
    ({"stages": [[[3, 0]]]}, "width of layer 0"),
    ({"dense": [0]}, "width of layer 3"),
    ({"skips": [[0, 1, "add"]]}, "source of the skip to layer 1"),
    ({"skips": [[0, 9, "add"]]}, "target of a skip"),
    ({"skips": [[0, 2, "times"]]}, "kind of the skip to layer 2 must be one of add, concat, got 'times'"),
    ({"skips": [[0, 3, "add"], [0, 2, "add"]]}, "ordered by their targets"),
    ({"more": 1}, "more"),
  ],
)
def test_what_is_no_genotype_is_refused(change, message):
  with pytest.raises(ValueError, match=f"not a layered genotype: .*{message}"):
    genotype_from_json({**GENOTYPE.to_json(), **change})
