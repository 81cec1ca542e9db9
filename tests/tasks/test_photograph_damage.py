import pytest

from nao_tf.tasks import make_task
from nao_tf.tasks.photograph_damage import first_damaged
from nao_tf.tasks.photograph_folders import photograph_files
from tests.support.photographs import write_damaged, write_photographs


@pytest.mark.parametrize("part", ["train", "val"])
def test_the_damaged_photograph_is_found_in_either_split(tmp_path, part):
  for split in ("train", "val"):
    write_photographs(tmp_path / split, 12, shorter=20)
  assert first_damaged(photograph_files(str(tmp_path), image_size=16)) is None
  path = write_damaged(tmp_path / part / "lake" / "middle.png", shorter=20)
  write_damaged(tmp_path / part / "ridge" / "later.png", shorter=20)
  assert first_damaged(photograph_files(str(tmp_path), image_size=16)) == path


def test_who_reads_a_damaged_photograph_is_told_which_it_is(tmp_path):
  write_photographs(tmp_path, 12, shorter=20)
  path = write_damaged(tmp_path / "lake" / "middle.png", shorter=20)
  task = make_task("folder", image_dir=str(tmp_path), photographs=True, image_size=16, validation_fraction=0.0)
  with pytest.raises(ValueError, match=f"^folder: {path} cannot be decoded .Invalid PNG data"), task.data_errors():
    list(task.raw_batches("train", 4))
