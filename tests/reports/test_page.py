import json

import pytest

from nao_tf.drawing import draw_genotype
from nao_tf.reports import rewrite_report, write_report
from nao_tf.runs.embedding_maps import EMBEDDING_MAPS_FILE, EmbeddingMap, EmbeddingMaps, Move
from nao_tf.runs.finalists import RERANK_DIRECTORY
from nao_tf.runs.journal import Journal
from nao_tf.runs.predictions import PREDICTIONS_FILE, Prediction, Predictions
from nao_tf.runs.starts import STARTS_FILE, record_start
from nao_tf.spaces import make_space
from nao_tf.spaces.published import CELLS
from nao_tf.spaces.recurrent import RecurrentSpace
from nao_tf.trial import RANDOM, Evaluation, Origin, Trial
from tests.support.pages import read_page
from tests.support.toys import ToySpace

SPACE = make_space("nasnet5")
FIRST, SECOND, THIRD = (CELLS[name].architecture for name in ("NAONet-WS", "NAONet-B", "NAONet-V2"))
TRIALS = [
  Trial(0, FIRST, RANDOM, Evaluation(0.5, 2.0, {"parameters": 30, "macs": 400})),
  Trial(1, SECOND, Origin("ascent", (0,), step=10), Evaluation(0.75, 3.0, {"parameters": 20, "macs": 300})),
  Trial(2, THIRD, Origin("neighbor", (1,)), Evaluation.failed("diverged", 1.0)),
  Trial(3, SPACE.canonical(FIRST), Origin("ascent", (1,), step=5), Evaluation(0.25, 1.0, {"parameters": 10})),
]


def journal_in(directory, trials, settings=None, batch=2):
  with Journal(str(directory), settings or {}) as journal:
    for start in range(0, len(trials), batch):
      some = trials[start : start + batch]
      journal.append_asked([Trial(t.id, t.architecture, t.origin) for t in some])
      for trial in some:
        if trial.evaluation:
          journal.append_closed(trial)
  return directory


def page(directory, space=SPACE):
  write_report(str(directory), space)
  return read_page(directory)


def map_in(directory, *numbers):
  """Records maps in which a candidate is decoded from the first trial, and the last trial from the candidate."""
  places = ((0.0, 0.5), (0.25, 0.5), (0.5, 1.0))
  moves = (
    Move(0, 2.0, SECOND, True, places),
    Move(None, 0.0, TRIALS[3].architecture, True, places),
    Move(0, 1.0, (9,), False, places),
  )
  maps = EmbeddingMaps(str(directory))
  for number in numbers:
    maps.add(EmbeddingMap(number, (0.5, 0.25), ((0, (0.0, 0.5)), (1, (0.5, 1.0))), moves))
  maps.close()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
  """The page about a search of which everything is on record."""
  directory = tmp_path_factory.mktemp("runs") / "search"
  settings = {"space": "nasnet5", "strategy": "nao", "task": "digits", "training.epochs": 4}
  journal_in(directory, TRIALS, settings)
  finalists = [
    Trial(0, SECOND, Origin("rerank", (1,), reward=0.75), Evaluation(0.8)),
    Trial(1, FIRST, Origin("rerank", (0,), reward=0.5), Evaluation(0.9)),
  ]
  journal_in(directory / RERANK_DIRECTORY, finalists)
  predictions = Predictions(str(directory))
  for trial, score in ((TRIALS[1], 0.9), (TRIALS[3], 0.7)):
    predictions.add(trial, Prediction(score, 1))
  predictions.close()
  map_in(directory, 1)
  record_start(str(directory))
  (directory / "best").mkdir()
  epochs = [{"epoch": n, "train_loss": 1 / n, "validation_accuracy": 0.5, "seconds": 1.0} for n in (1, 2)]
  (directory / "best" / "history.jsonl").write_text("".join(json.dumps(row) + "\n" for row in epochs))
  (directory / "best" / "test.json").write_text('{"accuracy": 0.9625}')
  for name in ("best.json", "best/digits.keras", "best/digits.tflite"):
    (directory / name).write_text("{}")
  return page(directory)


def test_a_whole_search_has_all_sections_each_with_a_link(whole):
  names = "reward best training finalists predictor embedding origin choices costs failures trials settings"
  assert whole.sections == names.split()
  links = [a["href"] for tag, a in whole.elements if tag == "a" and a["href"].startswith("#")]
  assert links == [f"#{name}" for name in whole.sections] and not whole.unclosed


def test_the_page_needs_nothing_else(whole):
  for tag, attributes in whole.elements:
    assert tag not in ("link", "img", "iframe") and "src" not in attributes
  assert "https://" not in whole.scripts[None] and dict(whole.elements)["html"] == {"lang": "en"}


def test_every_chart_has_data_and_a_title(whole):
  names = [a["data-chart"] for tag, a in whole.elements if tag == "figure"]
  assert set(names) == set(whole.data["charts"]) and "predicted" in names
  assert sum(tag == "figcaption" for tag, _ in whole.elements) == len(names)


def test_random_trials_proposed_ones_and_failed_ones_are_told_apart(whole):
  series = {one["name"]: one for one in whole.data["charts"]["rewards"]["series"]}
  assert [series[name]["rows"] for name in ("random", "proposed", "failed (no reward)")] == [[0], [1, 3], [2]]
  assert series["best so far"]["x"] == [0, 1, 3] and series["best so far"]["y"] == [0.5, 0.75, 0.75]


def test_rounds_have_their_best_and_their_median(whole):
  best, median = whole.data["charts"]["rounds"]["series"]
  assert (best["x"], best["y"], median["y"]) == ([0, 1], [0.75, 0.25], [0.625, 0.25])


def test_the_best_are_drawn_the_first_unfolded(whole):
  folded = [a for tag, a in whole.elements if tag == "details"]
  assert "open" in folded[0] and "open" not in folded[1] and sum(tag == "svg" for tag, _ in whole.elements) == 2
  label = next(a["aria-label"] for tag, a in whole.elements if tag == "svg")
  assert label.startswith("Normal cell: 2 = ")


def test_the_finalists_are_compared_with_the_search(whole):
  (series,) = whole.data["charts"]["finalists"]["series"]
  assert (series["x"], series["y"], series["ids"]) == ([0.75, 0.5], [0.8, 0.9], [1, 0])
  assert "Kendall's tau between the two rewards is -1.00 over 2 finalists" in whole.text


def test_predictions_are_shown_with_their_rank_correlation(whole):
  (series,) = whole.data["charts"]["predicted"]["series"]
  assert series["name"] == "trained after 1 proposals, tau 1.00" and series["rows"] == [1, 3]
  assert whole.data["trials"]["predicted"] == [None, 0.9, None, 0.7]


def test_the_embedding_space_is_a_map_with_the_moves(whole):
  chart = whole.data["charts"]["embedding"]
  assert {one["group"] for one in chart["series"]} == {"trained after 1 proposals: 75% of the variance"}
  series = {one["name"]: one for one in chart["series"]}
  assert series["gradient step"]["x"][:2] == [0.0, 0.25] and series["decoding"]["x"][:2] == [0.25, 0.5]
  assert series["proposal"]["ids"] == [1, 3] and len(series["candidate"]["x"]) == 1 and series["trial"]["ids"] == [0]
  assert series["trial among the best 10%"]["ids"] == [1]
  assert series["end of step"]["texts"][:2] == [
    "Step of size 2 from trial #0",
    "Decoded at a candidate without a step",
  ]
  assert chart["alt"]["trained after 1 proposals: 75% of the variance"].startswith(
    "2 trials; 3 moves lead from 1 of them to 2 proposals"
  )
  assert "Moves in the latest map, trained after 1 proposals" in whole.text


def test_at_most_eight_maps_are_shown_the_first_and_the_last_among_them(tmp_path):
  map_in(journal_in(tmp_path, TRIALS), *range(100, 400, 10))
  series = page(tmp_path).data["charts"]["embedding"]["series"]
  groups = list(dict.fromkeys(one["group"] for one in series))
  assert len(groups) == 8
  assert groups[0].startswith("trained after 100 proposals:") and groups[-1].startswith("trained after 390 proposals:")


@pytest.mark.parametrize(
  "name", [PREDICTIONS_FILE, STARTS_FILE, EMBEDDING_MAPS_FILE, "best/test.json", f"{RERANK_DIRECTORY}/trials.jsonl"]
)
def test_what_cannot_be_read_is_left_out_and_named(tmp_path, name, caplog):
  journal_in(tmp_path, TRIALS)
  (tmp_path / name).parent.mkdir(exist_ok=True)
  (tmp_path / name).write_text("nonsense\n")
  lacking = page(tmp_path)
  assert "These files cannot be read and are missing from this page:" in lacking.text
  assert name in lacking.text and "reward" in lacking.sections
  rewrite_report(str(tmp_path))
  assert f"left out of the report: {tmp_path}/{name}" in caplog.text


def test_costs_have_a_front_that_nothing_betters(whole):
  charts = whole.data["charts"]
  assert {"against_parameters", "against_multiply_adds", "against_seconds"} <= set(charts)
  front = {one["name"]: one for one in charts["against_parameters"]["series"]}["Pareto front"]
  assert front["rows"] == [3, 1]


def test_the_winners_training_is_shown_with_its_test_figures_and_files(whole):
  charts = {name: chart["y"] for name, chart in whole.data["charts"].items() if name.startswith("training")}
  assert charts == {"training_0_0": "loss", "training_0_1": "accuracy"}
  assert "On the test set: accuracy 0.9625" in " ".join(whole.text.split()).replace(" .", ".")
  links = [a.get("href") for _, a in whole.elements]
  assert {"best.json", "best/history.jsonl", "best/digits.keras", "best/digits.tflite"} <= set(links)


def test_failures_settings_and_versions_are_listed(whole):
  for text in ("Reasons for failures", "diverged", "training.epochs", "Starts of the search", "nao_tf "):
    assert text in whole.text


def test_what_is_not_on_record_has_no_section(tmp_path):
  done = page(journal_in(tmp_path, [Trial(0, FIRST, RANDOM, Evaluation(0.5))]))
  assert done.sections == ["reward", "best", "origin", "choices", "trials", "settings"]
  assert set(done.data["charts"]) == {"rewards"} and "predicted" not in done.data["trials"]


def test_a_search_without_any_reward_has_a_page(tmp_path):
  failed = page(
    journal_in(tmp_path, [Trial(n, a, RANDOM, Evaluation.failed("hard")) for n, a in enumerate((FIRST, SECOND))])
  )
  assert failed.sections == ["failures", "trials", "settings"] and failed.data["charts"] == {}


def test_a_search_that_has_only_begun_has_a_page(tmp_path):
  begun = page(journal_in(tmp_path, [Trial(0, FIRST, RANDOM)]))
  assert begun.sections == ["trials", "settings"] and begun.data["trials"]["state"] == ["open"]


def test_cells_of_benchmarks_and_recurrent_cells_are_drawn_and_others_are_not(tmp_path):
  for name, architecture in (("nasbench201", (1, 2, 3, 4, 0, 1)), ("rnn12", (0, 0) * 11)):
    space = make_space(name)
    trial = Trial(0, architecture, RANDOM, Evaluation(0.5))
    assert draw_genotype(space.decode(architecture)).svg in (
      page(journal_in(tmp_path / name, [trial]), space) and (tmp_path / name / "report.html").read_text()
    )
  toy = page(journal_in(tmp_path / "toy", [Trial(0, (1, 1, 1, 1), RANDOM, Evaluation(0.5))]), ToySpace())
  assert "svg" not in dict(toy.elements) and "choice 1" in toy.text and "(1, 1, 1, 1)" not in toy.text


def test_a_cell_that_is_too_large_to_draw_has_a_page(tmp_path):
  trials = [Trial(0, (0, 0) * 450, RANDOM, Evaluation(0.5))]
  assert (
    "The cell is not drawn: expected a cell of at most 400 boxes"
    in page(journal_in(tmp_path, trials), RecurrentSpace("large", 450)).text
  )
