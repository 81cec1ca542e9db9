import numpy as np
import pytest

from nao_tf.reports import write_report
from nao_tf.runs.hints import Hint, HintsFile
from nao_tf.runs.journal import Journal
from nao_tf.trial import Evaluation, Trial
from tests.support.pages import read_page
from tests.support.toys import ToySpace


@pytest.mark.parametrize("is_told", [True, False])
def test_the_report_of_a_running_search_says_which_hints_help_and_since_when(tmp_path, is_told):
  with Journal(str(tmp_path), {}) as journal:
    trial = Trial(0, ToySpace().sample(np.random.default_rng(0)))
    journal.append_asked([trial])
    journal.append_closed(trial.close(Evaluation(0.5)))
    hints = HintsFile(str(tmp_path))
    if is_told:
      hints.add(12, [Hint("SynFlow", 0.25), Hint("the earlier search", 0.0)])
      hints.add(20, [Hint("SynFlow", 0.0), Hint("the earlier search", 0.0)])
      hints.add(31, [Hint("SynFlow", -0.75), Hint("the earlier search", 0.0)])
    hints.close()
    write_report(str(tmp_path), ToySpace())
  text = read_page(tmp_path).text
  assert ("Warm start and proxies" in text) == is_told
  if is_told:
    assert "on after 12 trials, off after 20 trials, on after 31 trials" in text and "-0.75" in text
    assert "never on" in text
