import json
import os
import time

import numpy as np
import pytest

from nao_tf.reports import REPORT_FILE, ReportWriter, rewrite_report, write_report
from nao_tf.runs.journal import Journal
from nao_tf.runs.settings import RunDirectoryError
from nao_tf.spaces import make_space
from nao_tf.trial import RANDOM, Evaluation, Origin, Trial
from tests.support.pages import Page, read_page
from tests.support.toys import ToySpace, search_toy


class Clock:
  def __init__(self):
    self.now = 100.0

  def __call__(self):
    return self.now


def open_trial(number):
  return Trial(number, (number % 3, number // 3 % 3, 1, 0), RANDOM)


def times_written(path):
  return os.stat(path).st_mtime_ns if os.path.exists(path) else None


def test_a_page_can_be_written_from_the_directory_alone(tmp_path):
  search_toy(str(tmp_path), "evolution", 12)
  assert write_report(str(tmp_path), make_space("nasnet5")) == str(tmp_path / REPORT_FILE)
  known = read_page(tmp_path)
  assert rewrite_report(str(tmp_path)) == str(tmp_path / REPORT_FILE)  # The settings do not name the space.
  unknown = read_page(tmp_path)
  assert "choices" in known.sections and "choices" not in unknown.sections
  assert unknown.data["trials"]["reward"] == known.data["trials"]["reward"]
  assert not known.unclosed and not unknown.unclosed
  assert not [name for name in os.listdir(tmp_path) if name.endswith(".tmp")]


def test_a_directory_without_a_search_has_no_page(tmp_path):
  with pytest.raises(RunDirectoryError, match=r"no trials\.jsonl here"):
    rewrite_report(str(tmp_path))
  assert not os.path.exists(tmp_path / REPORT_FILE)


def test_a_page_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch):
  search_toy(str(tmp_path), "random", 4)
  path = rewrite_report(str(tmp_path))
  old = open(path).read()
  monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError("full")))
  with pytest.raises(OSError, match="full"):
    rewrite_report(str(tmp_path))
  assert open(path).read() == old and not [name for name in os.listdir(tmp_path) if name.endswith(".tmp")]


def test_while_a_search_goes_on_the_page_is_written_at_most_every_30_seconds_and_after_rounds(tmp_path):
  clock, path = Clock(), tmp_path / REPORT_FILE
  with Journal(str(tmp_path), {}) as journal:
    writer = ReportWriter(journal, ToySpace(), clock=clock)
    journal.append_asked([open_trial(number) for number in range(5)])
    written = []
    for number, seconds in enumerate((10, 10, 11, 10, 1)):
      clock.now += seconds
      closed = open_trial(number).close(Evaluation(0.5))
      journal.append_closed(closed)
      before = times_written(path)
      writer(closed)
      written.append(times_written(path) != before)
  assert written == [False, False, True, False, True]
  assert read_page(tmp_path).data["trials"]["id"] == [0, 1, 2, 3, 4]


def test_a_page_that_takes_long_is_written_less_often(tmp_path, monkeypatch):
  clock = Clock()
  with Journal(str(tmp_path), {}) as journal:
    writer = ReportWriter(journal, ToySpace(), clock=clock)
    journal.append_asked([open_trial(0)])
    journal.append_closed(open_trial(0).close(Evaluation(0.5)))
    slow = "nao_tf.reports.writer.page_of"
    monkeypatch.setattr(slow, lambda *_: setattr(clock, "now", clock.now + 5) or "")
    writer.write()
    os.remove(tmp_path / REPORT_FILE)
    clock.now += 60
    writer(open_trial(0))
    assert not os.path.exists(tmp_path / REPORT_FILE)
    clock.now += 41
    writer(open_trial(0))
    assert os.path.exists(tmp_path / REPORT_FILE)


class Unwritable(ToySpace):
  def format(self, architecture):
    raise KeyError("no words")


def test_a_page_that_cannot_be_made_does_not_end_a_search(tmp_path, caplog):
  with Journal(str(tmp_path), {}) as journal:
    journal.append_asked([open_trial(0)])
    ReportWriter(journal, Unwritable()).write()
  assert "the report could not be written (KeyError: 'no words')" in caplog.text


def test_five_thousand_trials_have_a_page_of_limited_size_soon(tmp_path):
  space, rng = make_space("nasnet5"), np.random.default_rng(0)
  trials = [Trial(n, space.sample(rng), RANDOM if n < 100 else Origin("ascent", (n - 50,), 10.0)) for n in range(5000)]
  rows = [{"id": t.id, "architecture": t.architecture, "origin": t.origin.to_json()} for t in trials]
  lines = [json.dumps({"asked": rows[n : n + 8], **({} if n else {"settings": {}})}) for n in range(0, 5000, 8)]
  lines += [json.dumps({"closed": n, **Evaluation(float(rng.random()), 1.0).to_json()}) for n in range(5000)]
  (tmp_path / "trials.jsonl").write_text("\n".join(lines) + "\n")
  start = time.process_time()
  write_report(str(tmp_path), space)
  assert time.process_time() - start < 5  # Measured: docs/results/reports.md. Machines of the tests are busy.
  assert os.path.getsize(tmp_path / REPORT_FILE) < 2_000_000
  page = read_page(tmp_path)
  assert len(page.data["trials"]["id"]) == 5000 and sum(tag == "tr" for tag, _ in page.elements) < 200


def test_texts_from_outside_mean_nothing_on_the_page(tmp_path):
  evil = "</script><img src=x onerror=alert(1)>\u2028&amp;'\""
  trials = [Trial(0, (1, 1, 1, 0), Origin(evil)), Trial(1, (0, 1, 1, 0), RANDOM)]
  with Journal(str(tmp_path), {evil: evil, "task": evil, "space": evil}) as journal:
    journal.append_asked(trials)
    journal.append_closed(trials[0].close(Evaluation(0.5, metrics={"parameters": 3})))
    journal.append_closed(trials[1].close(Evaluation.failed(evil)))
  write_report(str(tmp_path), ToySpace())
  known = read_page(tmp_path)
  rewrite_report(str(tmp_path))
  for page in (known, read_page(tmp_path)):
    assert not page.unclosed and not [tag for tag, _ in page.elements if tag == "img"]
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert page.data["trials"]["reason"] == ["", evil] and page.data["trials"]["origin"][0] == f"{evil}"
    assert evil in page.text
  policy = next(a["content"] for _, a in known.elements if a.get("http-equiv") == "Content-Security-Policy")
  assert "default-src 'none'" in policy and "script-src 'sha256-" in policy


def test_half_characters_do_not_break_the_page(tmp_path):
  with Journal(str(tmp_path), {}) as journal:
    journal.append_asked([open_trial(0)])
    journal.append_closed(open_trial(0).close(Evaluation.failed("name \udce9")))
    ReportWriter(journal, ToySpace()).write()
  assert "Reasons for failures" in Page((tmp_path / REPORT_FILE).read_text()).text
