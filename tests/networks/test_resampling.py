import pytest

from nao_tf.networks.resampling import GLOBAL, resampling


@pytest.mark.parametrize("size", range(1, 20))
@pytest.mark.parametrize("target", range(1, 20))
def test_the_windows_of_a_pool_cover_all_of_a_map_and_make_it_as_large_as_asked_for(size, target):
  if target > size:
    with pytest.raises(ValueError, match=f"a map with the size {size}x9 cannot be joined with another of {target}x9"):
      resampling((size, 9), (target, 9))
  elif target == size:
    assert resampling((size, 9), (target, 9)) is None
  else:
    (length, _), (stride, other) = resampling((size, 9), (target, 9))
    assert (size - length) // stride + 1 == target and (target - 1) * stride + length == size and other == 1


def test_a_map_becomes_a_vector_with_a_pool_over_all_of_it():
  assert resampling((4, 4), ()) == GLOBAL
  assert resampling((), ()) is None


@pytest.mark.parametrize(
  ("size", "target"), [((), (2, 2)), ((None, 4), (2, 2)), ((None, None), (None, None)), ((4,), (2,))]
)
def test_what_cannot_be_joined_is_refused(size, target):
  with pytest.raises(ValueError, match="cannot be joined"):
    resampling(size, target)
