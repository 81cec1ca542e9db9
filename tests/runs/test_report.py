from nao_tf.drawing import draw_genotype
from nao_tf.runs import report
from nao_tf.spaces import make_space
from nao_tf.spaces.published import CELLS
from nao_tf.spaces.recurrent import RecurrentSpace
from nao_tf.trial import RANDOM, Evaluation, Origin, Trial
from tests.support.toys import ToySpace

SPACE = make_space("nasnet5")
TRIALS = [
  Trial(0, CELLS["NAONet-WS"].architecture, RANDOM, Evaluation(0.5)),
  Trial(1, CELLS["NAONet-B"].architecture, Origin("ascent", (0,), step=10), Evaluation(0.75)),
  Trial(2, CELLS["NAONet-V2"].architecture, RANDOM, Evaluation.failed("diverged")),
]


def test_the_curve_shows_the_best_so_far():
  (line, crosses) = report.search_curve(TRIALS).axes[0].lines
  assert list(line.get_ydata()) == [0.5, 0.75]
  assert list(crosses.get_xdata()) == [2]


def test_the_page_holds_the_best_trials_and_pictures(tmp_path):
  with open(report.write_report(str(tmp_path), TRIALS, SPACE)) as file:
    page = file.read()
  assert page.index("0.75") < page.index("0.5<td>0")
  assert SPACE.format(TRIALS[1].architecture) in page and "ascent from #0, step 10" in page
  assert page.count("data:image/png;base64,") == 1
  assert draw_genotype(SPACE.decode(TRIALS[1].architecture)).svg in page


def test_a_cell_of_a_benchmark_is_drawn_and_a_genotype_that_is_no_cell_is_not(tmp_path):
  space = make_space("nasbench201")
  with open(report.write_report(str(tmp_path), [Trial(0, (1, 2, 3, 4, 0, 1), RANDOM, Evaluation(0.5))], space)) as file:
    assert "nor_conv_1x1" in file.read().split("<svg")[1]
  with open(report.write_report(str(tmp_path), [Trial(0, (1, 1, 1, 1), RANDOM, Evaluation(0.5))], ToySpace())) as file:
    assert "<svg" not in file.read()


def test_a_cell_that_is_too_large_to_draw_has_a_page(tmp_path):
  space = RecurrentSpace("large", 450)
  trials = [Trial(0, (0, 0) * 450, RANDOM, Evaluation(0.5))]
  with open(report.write_report(str(tmp_path), trials, space)) as file:
    assert "The best cell is not drawn: expected a cell of at most 400 boxes" in file.read()


def test_a_search_without_any_reward_has_a_page(tmp_path):
  with open(report.write_report(str(tmp_path), TRIALS[2:], SPACE)) as file:
    assert "1 trials, 1 without a reward" in file.read()


def test_random_trials_and_proposed_ones_have_points_of_their_own():
  points = {
    points.get_label(): points.get_offsets().tolist() for points in report.search_curve(TRIALS).axes[0].collections
  }
  assert points == {"random": [[0, 0.5]], "proposed": [[1, 0.75]]}


def test_texts_are_escaped(tmp_path):
  trials = [Trial("<1>", TRIALS[0].architecture, Origin("<i>mine</i>"), Evaluation(0.5))]
  with open(report.write_report(str(tmp_path), trials, SPACE)) as file:
    page = file.read()
  assert "&lt;1&gt;" in page and "&lt;i&gt;mine&lt;/i&gt;" in page and "<i>" not in page
