import grpc
import pytest

from nao_tf.tuner.connection import PersistentStub


class Failure(grpc.RpcError):
  def __init__(self, status):
    self._status = status

  def code(self):
    return self._status


class Stub:
  """Fails in the given ways, one call after the other, and then answers."""

  def __init__(self, *failures):
    self.failures, self.timeouts = list(failures), []

  def EndTrial(self, request, timeout):
    self.timeouts.append(timeout)
    if self.failures:
      raise Failure(self.failures.pop(0))
    return f"{request} ended"


def test_a_call_is_made_again_when_the_connection_breaks():
  stub = Stub(grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNAVAILABLE)
  assert PersistentStub(stub, seconds=5.0).EndTrial("0", timeout=3600) == "0 ended"
  assert stub.timeouts[0] == 3600 and len(stub.timeouts) == 3 and max(stub.timeouts[1:]) <= 5.0


def test_a_call_that_fails_otherwise_is_not():
  stub = Stub(grpc.StatusCode.INVALID_ARGUMENT)
  with pytest.raises(Failure):
    PersistentStub(stub).EndTrial("0", timeout=3600)
  assert len(stub.timeouts) == 1


def test_a_chief_that_stays_away_is_given_up():
  stub = Stub(*[grpc.StatusCode.UNAVAILABLE] * 100)
  with pytest.raises(Failure):
    PersistentStub(stub, seconds=0.5).EndTrial("0", timeout=3600)
  assert 2 <= len(stub.timeouts) <= 5
