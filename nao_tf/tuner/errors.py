"""Exceptions of searches with KerasTuner, in addition to those of KerasTuner."""


class SearchFailed(RuntimeError):
  """Raised when a search is aborted, or has ended without a single score; the message gives the reason."""
