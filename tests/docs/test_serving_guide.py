"""The requests on the page about TensorFlow Serving fit the signatures of real exports."""

import json
import re

import pytest
import tensorflow as tf

from nao_tf.networks.building import build_network
from nao_tf.networks.image_network_config import ImageNetworkConfig
from nao_tf.networks.language_model_config import LanguageModelConfig
from nao_tf.serving import export_controller
from nao_tf.serving.image_export import ImageExporter
from nao_tf.serving.language_export import LanguageExporter
from nao_tf.spaces.genotypes import Branch, Cell, CellGenotype, Node, RecurrentGenotype, RecurrentNode
from tests.docs import pages, rest_requests
from tests.docs.test_guides import run
from tests.serving.test_controller_export import search

PAGE = pages.ROOT / "docs" / "guides" / "serving.md"
TEXT = PAGE.read_text(encoding="utf-8")
KINDS = ("images", "language", "controller")


def requests(kind):
  return [json.loads(block.text) for block in pages.blocks(PAGE, f"json {kind}")]


def exported(exporter, genotype, config, directory):
  """Exports a fresh network of a recorded task, which has no data."""
  task = exporter.task
  network = build_network(genotype, config, input_shape=task.input_shape, num_outputs=task.num_outputs, seed=0)
  exporter.export(network, str(directory), genotype=genotype)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
  """The exports that the page speaks of, in the sizes of its requests. None of their tasks has data."""
  place = tmp_path_factory.mktemp("served")
  images = {"input_shape": [2, 2, 1], "labels": ["no", "yes"], "pixels": {"dtype": "uint8", "low": 0, "high": 255}}
  config = ImageNetworkConfig(num_cells=1, filters=4, auxiliary=False)
  cell = Cell((Node(Branch("identity", 0), Branch("max3x3", 1)),))
  exported(ImageExporter.of_description("small", images), CellGenotype(cell, cell), config, place / "images")
  words = {"vocabulary": ["<unk>", "<eos>", "the", "is"]}
  cell = RecurrentGenotype((RecurrentNode(0, "relu"),))
  exported(LanguageExporter.of_description("words", words), cell, LanguageModelConfig(units=4), place / "language")
  search(place / "search", "nasbench201")
  export_controller(place / "search", str(place / "controller" / "1"))
  paths = {"images": place / "images", "language": place / "language", "controller": place / "controller" / "1"}
  return place, {kind: tf.saved_model.load(str(path)) for kind, path in paths.items()}


def test_the_page_has_both_formats_for_each_kind_of_export_and_no_other_requests():
  found = {kind: {"instances" in request for request in requests(kind)} for kind in KINDS}
  assert found == {kind: {True, False} for kind in KINDS}
  assert len(re.findall(r"^```json", TEXT, re.MULTILINE)) == sum(len(requests(kind)) for kind in KINDS)


@pytest.mark.parametrize(("kind", "number"), [(kind, i) for kind in KINDS for i in range(len(requests(kind)))])
def test_a_request_on_the_page_is_answered(models, kind, number):
  request = requests(kind)[number]
  answer = rest_requests.predict(models[1][kind], request)
  batch = request.get("instances") or next(iter(request["inputs"].values()))
  assert answer and all(len(value) == len(batch) for value in answer.values())


@pytest.mark.parametrize("kind", KINDS)
def test_every_signature_has_a_request_on_the_page(models, kind):
  named = {request.get("signature_name", "serving_default") for request in requests(kind)}
  assert named | {"serving_default"} == set(models[1][kind].signatures)


def test_the_outputs_on_the_page_are_those_of_an_answer(models):
  [shown] = [block.text for block in pages.blocks(PAGE, "text") if "predictions" in block.text]
  answer = rest_requests.predict(models[1]["images"], requests("images")[0])
  assert set(re.findall(r'"(\w+)":', shown)) - {"predictions"} == set(answer)


def test_the_program_on_the_page_improves_an_architecture(models, monkeypatch):
  (models[0] / "served").mkdir()
  (models[0] / "served" / "controller").symlink_to(models[0] / "controller")
  names = run(PAGE, models[0], monkeypatch)
  assert names["better"]["architectures"].shape == (1, 6)


def test_a_text_is_the_row_of_choices_that_the_page_says():
  from nao_tf.spaces import make_space

  text, choices = re.search(r"so `(.*?)` is `(.*?)`", TEXT).groups()
  assert list(make_space("nasbench201").parse(text)) == json.loads(choices)
