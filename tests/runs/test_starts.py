import platform
import time

import nao_tf
from nao_tf.runs.starts import STARTS_FILE, read_starts, record_start


def test_each_start_is_recorded_with_its_time_and_versions(tmp_path):
  assert read_starts(str(tmp_path)) == []
  record_start(str(tmp_path))
  record_start(str(tmp_path))
  first, second = read_starts(str(tmp_path))
  assert time.time() - 60 < first.time <= second.time
  assert first.versions["nao_tf"] == nao_tf.__version__ and first.versions["python"] == platform.python_version()
  assert "numpy" in first.versions and "tensorflow" in first.versions


def test_a_damaged_file_does_not_stop_a_search(tmp_path, caplog):
  (tmp_path / STARTS_FILE).write_text("nonsense\n")
  record_start(str(tmp_path))
  assert len(read_starts(str(tmp_path))) == 1 and len(caplog.records) == 1
