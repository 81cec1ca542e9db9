import pytest

from tests.support import toy_tables


@pytest.fixture
def arrays101():
  return toy_tables.nasbench101_arrays()


@pytest.fixture
def arrays201():
  return toy_tables.nasbench201_arrays()
