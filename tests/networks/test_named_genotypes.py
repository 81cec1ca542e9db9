"""Genotypes that people name."""

import json

import pytest

from nao_tf.networks.named_genotypes import NAMED, read_genotype
from nao_tf.spaces.published import CELLS, RECURRENT_CELLS, STRINGS


@pytest.mark.parametrize("name", NAMED)
def test_a_published_name_is_its_genotype(name):
  assert read_genotype(name) == NAMED[name].genotype


@pytest.mark.parametrize("name", STRINGS)
def test_a_published_string_is_found_with_its_space_and_without(name):
  cell = STRINGS[name]
  assert read_genotype(cell.text) == read_genotype(cell.text, cell.space) == cell.genotype


def test_a_string_of_a_recurrent_cell_is_found():
  assert read_genotype(RECURRENT_CELLS["NAO-RNN"].text) == RECURRENT_CELLS["NAO-RNN"].genotype


def test_a_file_is_read(tmp_path):
  path = tmp_path / "genotype.json"
  path.write_text(json.dumps(CELLS["NAONet-B"].genotype.to_json()))
  assert read_genotype(str(path)) == CELLS["NAONet-B"].genotype


def test_anything_else_is_an_error_that_names_the_place():
  with pytest.raises(ValueError, match="^--network is not a published .* a string of nasnet5: nasnet5: expected 40"):
    read_genotype("1 2", "nasnet5", place="--network")
  with pytest.raises(ValueError, match="not a string of nasnet5, nasnet11, rnn12"):
    read_genotype("1 2")


@pytest.mark.parametrize(("text", "space"), [("1 2", "nasnet5"), ("|nor|", "nasbench201"), ("1 2", "rnn12")])
def test_what_was_given_is_said_once(text, space):
  with pytest.raises(ValueError) as error:
    read_genotype(text, space, place="--architecture")
  assert str(error.value).count(repr(text)) == 1


@pytest.mark.parametrize(("text", "near"), [("DARTS_V2", "DARTS-V2, DARTS-V1"), ("nasnet-a", "NASNet-A")])
def test_a_name_that_is_nearly_right_is_answered_with_the_nearest_names(text, near):
  with pytest.raises(ValueError, match=rf"not a published name \(did you mean {near}"):
    read_genotype(text)
