import numpy as np
import pytest

from nao_tf.evaluators.tabular_evaluator import TabularEvaluator
from nao_tf.tables import read_table
from tests.support.real_data import data_path
from tests.support.toy_tables import nasbench101_arrays, nasbench201_arrays, write_table

BEST_201 = (4, 4, 4, 4, 4, 4)


@pytest.fixture
def arrays101():
  return nasbench101_arrays()


@pytest.fixture
def arrays201():
  return nasbench201_arrays()


def evaluate(table, architecture, **figures):
  (evaluation,) = TabularEvaluator(table, **figures).evaluate([architecture])
  return evaluation


def test_a_cell_of_nasbench201_has_its_rows_figures(tmp_path, arrays201):
  table = read_table(write_table(tmp_path / "t.npz", arrays201))
  evaluation = evaluate(table, BEST_201)
  assert evaluation.reward == float(arrays201["cifar10_val200"][-1]) == arrays201["cifar10_val200"].max()
  metrics = {"row": 15_624, "params": 1000 + 15_624, "test": float(arrays201["cifar10_test200"][-1])}
  assert evaluation.metrics == metrics
  assert table.space.name == "nasbench201" and table.architecture_of(15_624) == BEST_201


def test_every_row_is_found_by_its_architecture(tmp_path, arrays101, arrays201):
  for arrays in (arrays101, arrays201):
    table = read_table(write_table(tmp_path / "t.npz", arrays))
    rows = range(0, len(table), max(1, len(table) // 300))
    assert [table.row(table.architecture_of(row)) for row in rows] == list(rows)


def test_the_figures_can_be_chosen(tmp_path, arrays201):
  table = read_table(write_table(tmp_path / "t.npz", arrays201))
  evaluation = evaluate(table, BEST_201, objective="val12", report="test12")
  assert evaluation.reward == float(arrays201["cifar10_val12"][-1])
  assert evaluation.metrics["test"] == float(arrays201["cifar10_test12"][-1])


@pytest.mark.parametrize("which", ["objective", "report"])
def test_a_figure_that_is_not_there_is_refused(tmp_path, arrays201, which):
  table = read_table(write_table(tmp_path / "t.npz", arrays201))
  with pytest.raises(ValueError, match="no figure 'val50'; expected one of val12, val200, test12, test200"):
    TabularEvaluator(table, **{which: "val50"})


def test_rows_and_operations_may_be_in_any_order(tmp_path, arrays201):
  table = read_table(write_table(tmp_path / "t.npz", arrays201))
  rows, names = np.random.default_rng(0).permutation(15_625), np.array([3, 1, 4, 0, 2])
  shuffled = {name: array[rows] for name, array in arrays201.items() if name != "op_names"}
  shuffled |= {"ops": np.argsort(names)[shuffled["ops"]], "op_names": arrays201["op_names"][names]}
  other = read_table(write_table(tmp_path / "other.npz", shuffled))
  rng = np.random.default_rng(1)
  for architecture in (table.space.sample(rng) for _ in range(50)):
    assert evaluate(other, architecture).reward == evaluate(table, architecture).reward


def test_an_architecture_that_is_not_in_the_table_has_failed(tmp_path, arrays201):
  few = {name: array[:100] if name != "op_names" else array for name, array in arrays201.items()}
  evaluation = evaluate(read_table(write_table(tmp_path / "t.npz", few)), BEST_201)
  assert not evaluation.ok and "not in the table: |avg_pool_3x3~0|+" in evaluation.metrics["reason"]


def test_all_encodings_of_a_cell_of_nasbench101_have_its_figures(tmp_path, arrays101):
  table, rng = read_table(write_table(tmp_path / "t.npz", arrays101)), np.random.default_rng(0)
  for row in range(0, len(table), 10):
    evaluation = evaluate(table, table.space.random_equivalent(table.architecture_of(row), rng))
    assert evaluation.reward == evaluation.metrics["test"] == 100 * (8000 + row) / 9984
    assert evaluation.metrics["row"] == evaluation.metrics["params"] == row


def test_a_cell_without_a_validation_has_failed_and_keeps_its_test_figure(tmp_path, arrays101):
  table = read_table(write_table(tmp_path / "t.npz", arrays101))
  assert list(table.figures) == ["test108", "val4", "val108"]
  with_it, without = (evaluate(table, table.architecture_of(row), objective="val108") for row in (2, 3))
  assert with_it.reward == 100 * (8002 - 100) / 9984
  assert without.reward is None and without.metrics["reason"] == "the table has no val108 for row 3"
  assert without.metrics["test"] == 100 * 8003 / 9984


def test_params_and_validations_may_be_missing(tmp_path, arrays101):
  needed = ("hash_prefix", "num_vertices", "adj_bits", "ops", "test_correct_run0")
  table = read_table(write_table(tmp_path / "t.npz", {name: arrays101[name] for name in needed}))
  assert list(table.figures) == ["test108"] and set(evaluate(table, table.architecture_of(0)).metrics) == {
    "row",
    "test",
  }


def test_a_file_that_is_not_there_is_named(tmp_path):
  with pytest.raises(FileNotFoundError, match="nowhere"):
    read_table(str(tmp_path / "nowhere.npz"))


def truncated(tmp_path):
  path = write_table(tmp_path / "whole.npz", nasbench201_arrays())
  with open(path, "rb") as file:
    return file.read()[:5000]


@pytest.mark.parametrize("content", [lambda _: b"", lambda _: b"some text\n", truncated], ids=["empty", "text", "cut"])
def test_a_file_that_is_no_npz_is_refused(tmp_path, content):
  path = tmp_path / "t.npz"
  path.write_bytes(content(tmp_path))
  with pytest.raises(ValueError, match=r"t.npz: expected a NumPy .npz file of plain arrays"):
    read_table(str(path))


def test_a_single_array_is_refused(tmp_path):
  np.save(tmp_path / "t.npy", np.zeros([3, 2]))
  with pytest.raises(ValueError, match=r"it holds a single array of shape \[3, 2\]"):
    read_table(str(tmp_path / "t.npy"))


def test_pickled_objects_are_refused(tmp_path, arrays201):
  with pytest.raises(ValueError, match="plain arrays"):
    read_table(write_table(tmp_path / "t.npz", {**arrays201, "ops": arrays201["ops"].astype(object)}))


def test_arrays_of_neither_format_are_listed(tmp_path):
  path = write_table(tmp_path / "t.npz", {"ops": np.zeros([2, 6], int), "accuracy": np.zeros(2)})
  with pytest.raises(ValueError, match=r"not a table of nasbench101 or nasbench201: .* found ops, accuracy"):
    read_table(path)


def changed(arrays, **changes):
  """Returns the arrays with some replaced by what a function makes of them, or taken away."""
  rest = {name: array for name, array in arrays.items() if name not in changes}
  return rest | {name: change(arrays[name]) for name, change in changes.items() if change}


def put(value, *place):
  def change(array):
    array = array.copy()
    array[place] = value
    return array

  return change


@pytest.mark.parametrize(
  "changes, message",
  [
    ({"ops": None}, "missing arrays ops; found "),
    ({"op_names": None}, "missing arrays op_names"),
    ({"ops": lambda a: a[:, :5]}, r"array ops must have shape \[15625, 6\], got \[15625, 5\]"),
    ({"ops": lambda a: a[:, 0]}, r"array ops must have shape \[rows, 6\], got \[15625\]"),
    ({"cifar10_val200": lambda a: a[1:]}, r"array cifar10_val200 must have shape \[15625\], got \[15624\]"),
    ({"ops": lambda a: a.astype(float)}, "array ops must hold integers, got float64"),
    ({"cifar10_test12": lambda a: a.astype(str)}, "array cifar10_test12 must hold numbers, got <U"),
    ({"op_names": lambda a: np.arange(5)}, "array op_names must hold texts, got int64"),
    ({"op_names": put("conv", 2)}, "op_names must be none, .* in any order, got none, skip_connect, conv, "),
    ({"ops": put(5, 3, 1)}, r"array ops must be in \[0, 4\], got 5 at \[3, 1\]"),
    ({"ops": put(0, 1, slice(None))}, "rows 0 and 1 are the same architecture"),
    ({"cifar10_val200": put(np.nan, 7)}, r"array cifar10_val200 must be in \[0, 100\], got nan at \[7\]"),
    ({"cifar10_test12": None, "cifar10_test200": None}, "expected arrays <dataset>_val<epochs> and <dataset>_test"),
  ],
)
def test_a_nasbench201_file_that_does_not_fit_is_refused(tmp_path, arrays201, changes, message):
  with pytest.raises(ValueError, match=f"t.npz: {message}"):
    read_table(write_table(tmp_path / "t.npz", changed(arrays201, **changes)))


@pytest.mark.parametrize(
  "changes, message",
  [
    ({"hash_prefix": None, "adj_bits": None}, "missing arrays hash_prefix, adj_bits; found "),
    ({"num_vertices": put(8, 4)}, r"array num_vertices must be in \[2, 7\], got 8 at \[4\]"),
    ({"ops": lambda a: np.where(a < 2, 1 - a, a).astype(np.uint8)}, "the cell that adj_bits and ops describe in row"),
    ({"ops": put(7, 0, 0)}, "row 0 is not a cell of nasbench101"),
    ({"adj_bits": put(0, 0)}, "row 0 is not a cell of nasbench101: .* no path"),
    ({"hash_prefix": lambda a: put(a[3], 4)(a)}, "rows 3 and 4 are the same architecture"),
    ({"test_correct_run0": put(9985, 2)}, r"array test_correct_run0 must be in \[0, 9984\], got 9985"),
    ({"test_correct_run0": lambda a: a / 9984}, "array test_correct_run0 must hold integers, got float64"),
    ({"val_correct": None}, "missing arrays val_correct"),
    ({"val_correct": lambda a: a[:, :1]}, r"array val_correct must have shape \[\d+, 2\], got \[\d+, 1\]"),
    ({"val_index": put(10_000, 1)}, r"array val_index must be in \[0, \d+\], got 10000 at \[1\]"),
  ],
)
def test_a_nasbench101_file_that_does_not_fit_is_refused(tmp_path, arrays101, changes, message):
  with pytest.raises(ValueError, match=f"t.npz: {message}"):
    read_table(write_table(tmp_path / "t.npz", changed(arrays101, **changes)))


def test_the_best_cell_of_the_real_nasbench201_can_be_reached():
  table = read_table(data_path("nas/nasbench201_cifar10.npz"))
  row = int(np.argmax(table.figure("val200")))
  evaluation = evaluate(table, table.architecture_of(row))
  assert len(table) == 15_625 and evaluation.metrics["row"] == row == 6111
  assert (round(evaluation.reward, 2), round(evaluation.metrics["test"], 2)) == (91.61, 94.37)


def test_every_sample_is_in_the_real_nasbench101():
  table, rng = read_table(data_path("nas/nasbench101.npz")), np.random.default_rng(0)
  assert all(table.row(table.space.sample(rng)) is not None for _ in range(300))
  assert len(table) == 423_624 and round(float(table.figure("test108").max()), 3) == 94.661
