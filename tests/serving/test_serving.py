"""Exporters are chosen by the class of the task."""

import subprocess
import sys

import pytest

from nao_tf import registries, serving
from nao_tf.serving.image_export import ImageExporter
from nao_tf.serving.language_export import LanguageExporter
from nao_tf.tasks import TASKS, make_task, task_class
from tests.support.image_cases import GENOTYPE
from tests.support.own_task import BrightCorners
from tests.support.toy_text import toy_task


def test_the_exporter_is_that_of_the_kind_of_task():
  assert isinstance(serving.make_exporter(make_task("digits")), ImageExporter)
  assert isinstance(serving.make_exporter(toy_task()), LanguageExporter)


@pytest.mark.parametrize("name", TASKS)
def test_networks_of_every_registered_task_can_be_exported(name):
  places = [registries.place_of(cls) for cls in task_class(name).__mro__]
  assert [place for place in places if place in serving.EXPORTERS]


def test_a_task_without_an_exporter_is_refused(tmp_path):
  message = r"there is no exporter for a tests\.support\.own_task:BrightCorners; expected one of nao_tf\.tasks\."
  assert serving.has_exporter(toy_task()) and not serving.has_exporter(BrightCorners())
  with pytest.raises(ValueError, match=message):
    serving.export_network(None, str(tmp_path / "model"), genotype=GENOTYPE, task=BrightCorners())
  with pytest.raises(ValueError, match=message):
    serving.evaluate_exported(str(tmp_path / "model"), BrightCorners())


def test_importing_serving_does_not_import_tensorflow():
  program = "import sys, nao_tf.serving; sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
  assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
