"""What a search through KerasTuner raises, beside the errors of KerasTuner."""


class SearchFailed(RuntimeError):
  """Raised when a search is given up, or has ended without a single score. The message has the reason."""
