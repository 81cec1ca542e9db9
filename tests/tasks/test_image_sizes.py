import numpy as np
import pytest

from nao_tf.tasks.image_sizes import height_and_width, resized, stacked


def test_a_single_number_is_height_and_width():
  assert height_and_width(5) == (5, 5) and height_and_width((4, 6)) == (4, 6)


@pytest.mark.parametrize("size", [0, (1, 2, 3), (3, 0), 2.5, True])
def test_another_size_is_an_error(size):
  with pytest.raises(ValueError, match="image_size must be a number of pixels"):
    height_and_width(size)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "uint16", "int16", "int64", "float16", "float32"])
def test_resizing_keeps_the_type_and_a_constant_image(dtype):
  image = np.ones((6, 4, 3), dtype)
  result = resized(image, (3, 5)).numpy()
  assert result.dtype == image.dtype and result.shape == (3, 5, 3)
  assert np.allclose(result, 1) and (image.dtype.kind == "f" or (result == 1).all())


def test_images_of_several_sizes_are_an_error():
  images = [np.zeros((4, 4, 1)), np.zeros((4, 4, 1)), np.zeros((4, 5, 1))]
  with pytest.raises(ValueError, match=r"got 2 of \[4, 4, 1\] and 1 of \[4, 5, 1\], 2 sizes in all; set image_size"):
    stacked(images, "x")
  with pytest.raises(ValueError, match=r"2 sizes in all; convert them to the same number of channels$"):
    stacked([np.zeros((4, 4, 1)), np.zeros((4, 4, 3))], "x")
