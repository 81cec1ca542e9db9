"""What is refused once the data is known: with the flag's name, before the work directory is announced, and none is left."""

import pytest

from nao_tf.tasks import make_task
from nao_tf.tasks.language_modeling import PUBLISHED_TOKENS, PUBLISHED_WORDS
from nao_tf.tools import search, train, winners
from tests.support import shapes
from tests.support.command_line import parse, run
from tests.support.one_convolution import GENOTYPE_FILE
from tests.support.tfds_sets import examples, random_images, write_set
from tests.support.toy_text import write_files

CELLS = "--space=tests.support.tiny_cells:pairs"
FEW = "--train_examples=64"


def refused(tool, tmp_path, capsys, argv, message, error=ValueError):
  argv = [argument.replace("TEXT", str(tmp_path)) for argument in argv]
  with pytest.raises(error, match=message):
    run(tool, f"--workdir={tmp_path / 'runs' / 'first'}", "--nodeterministic", *argv)
  assert "work directory" not in capsys.readouterr().out and not (tmp_path / "runs").exists()


@pytest.mark.parametrize("strategy", ["darts", "enas", "random_ws", "nao"])
@pytest.mark.parametrize("task", ["text", "ptb"])
def test_a_text_needs_its_directory(strategy, task, tmp_path, capsys):
  argv = [f"--strategy={strategy}", f"--task={task}", "--space=rnn9"]
  refused(search, tmp_path, capsys, argv, f"task '{task}' needs the directory of its text: --text_dir with")


@pytest.mark.parametrize("tool", [search, train])
def test_each_part_of_a_text_is_missed(tool, tmp_path, capsys):
  write_files(tmp_path)
  (tmp_path / "valid.txt").unlink()
  argv = ["--task=text", "--text_dir=TEXT", *(["--architecture=NAO-RNN"] if tool is train else ["--strategy=enas"])]
  refused(tool, tmp_path, capsys, argv, "--text_dir=.*: no valid text: expected .*valid.txt", FileNotFoundError)


@pytest.mark.parametrize(
  ("argv", "message"),
  [
    (
      ["--strategy=darts"],
      "--shared_batch_size=256: text: architecture parameters are trained on 256 streams of the validation text",
    ),
    (["--strategy=snas", "--shared_batch_size=999"], "--shared_batch_size=999: text: a text of 300 tokens cannot be"),
    (["--strategy=random_ws", "--shared_batch_size=999"], "--shared_batch_size=999: text: a text of 300 tokens"),
    (
      ["--strategy=nao", "--space=rnn12", "--child_batch_size=999"],
      "--child_batch_size=999: text: a text of 300 tokens",
    ),
    (
      ["--strategy=random", "--space=nasnet5"],
      "--space=nasnet5: text: its networks are built from a RecurrentGenotype",
    ),
  ],
)
def test_a_text_that_is_too_short_or_of_other_networks_is_refused(argv, message, tmp_path, capsys):
  write_files(tmp_path)
  refused(search, tmp_path, capsys, ["--task=text", "--text_dir=TEXT", *argv], message)


@pytest.mark.parametrize(
  ("argv", "message"),
  [
    (
      ["--strategy=darts", "--shared_batch_size=999"],
      "--shared_batch_size=999: digits: a batch of 999 is more than the",
    ),
    (
      ["--strategy=gdas", "--validation_fraction=0.01"],
      "--shared_batch_size=64: digits: architecture parameters are trained on validation batches of 64 examples, .*"
      " validation_fraction",
    ),
    (["--strategy=snas", "--validation_fraction=0"], "--validation_fraction must be above 0: .* digits has none"),
    (["--strategy=random_ws", "--validation_fraction=0"], "--validation_fraction must be above 0"),
    (["--strategy=random", "--validation_fraction=0", CELLS], "--validation_fraction must be above 0"),
    (
      ["--strategy=random", "--child_batch_size=65", CELLS, FEW],
      "--child_batch_size=65: digits: a batch of 65 is more",
    ),
    (["--strategy=random", "--space=rnn12"], "--space=rnn12: digits: its networks are built from a CellGenotype"),
    (
      ["--strategy=nao", CELLS, "--evaluator=shared_weights", "--shared_batch_size=65", FEW],
      "--shared_batch_size=65: digits",
    ),
    (
      ["--strategy=enas", "--shared_batch_size=64", FEW, "--rerank=1"],
      "--child_batch_size=128: digits: a batch of 128",
    ),
    (
      ["--strategy=random", "--child_accumulate_steps=3", CELLS],
      "--child_accumulate_steps=3: .* batch_size of 128 .* equal",
    ),
  ],
)
def test_images_that_are_too_few_or_of_other_networks_are_refused(argv, message, tmp_path, capsys):
  refused(search, tmp_path, capsys, argv, message)


@pytest.mark.parametrize(
  ("argv", "message"),
  [
    (["--architecture=NAO-RNN", "--task=text"], "--text_dir"),
    (["--architecture=NAO-RNN"], "--architecture=NAO-RNN: digits: its networks are built from a CellGenotype"),
    (["--architecture=NAONet-A", "--batch_size=9999"], "--batch_size=9999: digits: a batch of 9999 is more than"),
  ],
)
def test_a_training_that_cannot_begin_is_refused(argv, message, tmp_path, capsys):
  refused(train, tmp_path, capsys, argv, message)


def test_a_text_whose_steps_cannot_be_compiled_is_refused(tmp_path, capsys):
  write_files(tmp_path)
  text = ["--task=text", "--text_dir=TEXT", "--data_dir=TEXT/prepared", "--architecture=lstm", "--batch_size=4"]
  refused(train, tmp_path, capsys, [*text, "--jit_compile=on"], "jit_compile=on is for images")


LABELS = [number % 3 for number in range(30)]
SET = ["--task=odd", "--data_dir=TEXT", "--batch_size=4"]


def write_images(directory, **labels):
  """Writes a small set of TensorFlow Datasets whose splits have these labels."""
  splits = {name: examples(random_images(len(given)), given) for name, given in labels.items()}
  write_set(directory, "odd", splits)


@pytest.mark.parametrize(
  ("labels", "message"),
  [
    ({"train": [0, 1, 2, -1], "test": LABELS}, "^odd, train: example 3 has the label -1"),
    ({"train": LABELS, "test": [0, 1, -1]}, "^odd, test: example 2 has the label -1"),
    ({"test": LABELS}, "^odd: has no images to train on; expected a split train, got test"),
  ],
)
def test_labels_of_a_set_are_checked_before_a_training_begins(labels, message, tmp_path, capsys):
  write_images(tmp_path, **labels)
  refused(train, tmp_path, capsys, [f"--architecture={GENOTYPE_FILE}", *SET], message)


@pytest.mark.parametrize("split", ["train", "test"])
def test_damaged_files_of_a_set_are_told_before_a_training_begins(split, tmp_path, capsys):
  write_images(tmp_path, train=LABELS, test=LABELS)
  [path] = (tmp_path / "odd" / "1.0.0").glob(f"*-{split}.*")
  path.write_bytes(path.read_bytes()[:-40])
  message = f"^odd: the files of its split {split} in .* are damaged or incomplete"
  refused(train, tmp_path, capsys, [f"--architecture={GENOTYPE_FILE}", *SET], message)


@pytest.mark.parametrize("content", [b"", b"a b\n\xff c\n"])
@pytest.mark.parametrize("split", ["train", "valid", "test"])
def test_a_text_that_cannot_be_read_is_told_by_its_file_and_not_by_a_flag(split, content, tmp_path, capsys):
  write_files(tmp_path, **{split: content})
  argv = ["--task=text", "--text_dir=TEXT", "--data_dir=TEXT/prepared", "--architecture=NAO-RNN", "--batch_size=2"]
  refused(train, tmp_path, capsys, argv, rf"^{tmp_path}/{split}.txt: (expected text, found no|line 2 is not UTF-8)")


@pytest.mark.parametrize("split", ["valid", "test"])
def test_a_published_text_with_another_part_is_refused_before_a_training_begins(split, tmp_path, capsys, monkeypatch):
  write_files(tmp_path)
  monkeypatch.setitem(PUBLISHED_WORDS, "ptb", len(make_task("text", text_dir=str(tmp_path)).vocabulary))
  sizes = {name: make_task("text", text_dir=str(tmp_path)).num_examples(name) for name in ("train", "valid", "test")}
  monkeypatch.setitem(PUBLISHED_TOKENS, "ptb", {**sizes, split: 7})
  argv = ["--task=ptb", "--text_dir=TEXT", "--architecture=NAO-RNN", "--batch_size=2"]
  refused(train, tmp_path, capsys, argv, f"^ptb: expected 7 {split} tokens, got ")


@pytest.mark.parametrize("flags", [["--num_workers=2"], ["--trial_timeout=60"]])
def test_the_data_of_processes_on_this_machine_is_checked_before_a_search_begins(flags, tmp_path, capsys):
  images = shapes.write_folders(tmp_path / "images")
  (images / "circle" / "0.png").write_bytes(b"no image")
  argv = ["--strategy=random", CELLS, "--task=folder", f"--image_dir={images}", *flags]
  refused(search, tmp_path, capsys, argv, "1 of 20 files cannot be read as images")


@pytest.mark.parametrize(
  ("argv", "message"),
  [
    (
      ["--space=hierarchical"],
      "an image supernet needs a NasnetSpace, such as nasnet5, or nasbench201, and .* got a HierarchicalSpace",
    ),
    (["--shared_optimizer=Adafactor"], "an optimizer that updates each weight independently, .* got Adafactor"),
    (["--shared_average_weights=ema"], "shared weights are trained with average_weights=none only, got 'ema'"),
  ],
)
def test_shared_weights_that_cannot_be_trained_are_refused(argv, message, tmp_path, capsys):
  argv = ["--strategy=nao", CELLS, "--evaluator=shared_weights", *argv]
  refused(search, tmp_path, capsys, argv, f"--evaluator=shared_weights: .*{message}")


@pytest.mark.parametrize(
  "wanted", [["--train_best"], ["--export_pareto=TEXT/exported", "--objectives=accuracy,parameters"]]
)
@pytest.mark.parametrize(
  ("argv", "message"),
  [
    (["--best_batch_size=9999"], "--best_batch_size=9999: digits: a batch of 9999 is more than the 1437 training"),
    (
      ["--best_accumulate_steps=3"],
      "--best_accumulate_steps=3: a batch_size of 128 cannot be divided into --best_accumulate_steps=3",
    ),
    (["--best_batch_size=1400", "--best_validation_fraction=0.5"], "--best_batch_size=1400: .* than the 719 training"),
    (["--best_optimizer=adamm"], "--best_optimizer: unknown optimizer 'adamm'"),
  ],
)
def test_a_training_of_what_is_found_that_cannot_begin_is_refused(wanted, argv, message, tmp_path, capsys):
  wanted = [flag.replace("TEXT", str(tmp_path)) for flag in wanted]
  refused(search, tmp_path, capsys, ["--strategy=random", CELLS, *wanted, *argv], message)


@pytest.mark.parametrize(
  ("argv", "message"),
  [
    (["--shared_optimizer=Adam"], "--strategy=darts --task=ptb: .* needs the optimizer SGD, got Adam"),
    (["--relaxed_cost_weight=1"], "--strategy=darts --task=ptb: cost_weight: all recurrent cells .* cost the same"),
  ],
)
def test_settings_that_are_not_for_recurrent_cells_are_refused_without_the_text(argv, message, tmp_path, capsys):
  refused(search, tmp_path, capsys, ["--strategy=darts", "--task=ptb", *argv], message)


def test_the_data_is_read_once_more_only_if_the_training_of_what_is_found_may_not_fit(monkeypatch):
  searched, made = make_task("digits", train_examples=64), []
  monkeypatch.setattr(
    winners.experiment, "task_of", lambda *args, **options: made.append(options) or make_task("digits")
  )
  flags = ["--workdir=w", "--train_best"]
  winners.check_training(parse(search, *flags, "--best_batch_size=64"), searched, 1)
  assert made == []
  winners.check_training(parse(search, *flags, "--best_batch_size=65"), searched, 1)
  winners.check_training(parse(search, *flags, "--best_batch_size=64", "--best_validation_fraction=0.1"), searched, 1)
  winners.check_training(parse(search, *flags, "--best_batch_size=64"), None, 1)
  assert len(made) == 3
