"""The command that describes a network before it is built."""

import json

import pytest

import nao_tf
from nao_tf.tools import describe
from tests.support.command_line import run

NET = ("--architecture=NAONet-B", "--num_cells=2", "--filters=8")


def test_it_prints_a_table(capsys):
  assert run(describe, *NET) == 0
  assert capsys.readouterr().out == f"{nao_tf.describe('NAONet-B', num_cells=2, filters=8)}\n"


def test_it_prints_json(capsys):
  flags = ("--image_size=20", "--image_channels=1", "--num_classes=7", "--stem=imagenet", "--auxiliary=false", "--json")
  assert run(describe, *NET, *flags) == 0
  options = {"num_cells": 2, "filters": 8, "stem": "imagenet", "auxiliary": False}
  expected = nao_tf.describe("NAONet-B", input_shape=(20, 20, 1), num_classes=7, **options)
  assert json.loads(capsys.readouterr().out) == expected.as_dict()


def test_a_language_model_is_described(capsys):
  assert run(describe, "--architecture=NAO-RNN", "--units=700", "--vocabulary_size=33278") == 0
  assert "36,067,878" in capsys.readouterr().out


def test_a_wrong_architecture_is_named_by_its_flag():
  with pytest.raises(ValueError, match="^--architecture is not a published name"):
    run(describe, "--architecture=NAONet-Z", "--space=nasnet5")
