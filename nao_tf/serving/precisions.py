"""The types that exports store weights in. Importing this module does not import TensorFlow."""

FLOAT32 = "float32"
PRECISIONS = (FLOAT32, "bfloat16", "float16")
"""What an export may store its weights in; float32 is the default."""

DISTANCES = {FLOAT32: 1e-4, "bfloat16": 0.1, "float16": 0.02}
"""How far answers of an export may be from those of the network, as a fraction of the largest one, or of 1."""


def check_precision_of_format(precision: str, name: str) -> None:
  """Checks that weights in half precision go with a format.

  Args:
    precision: one of `PRECISIONS`.
    name: name of the format.

  Raises:
    ValueError: if there is no such precision, or only SavedModels can have it.
  """
  if precision not in PRECISIONS:
    raise ValueError(f"unknown precision {precision!r}; expected one of {', '.join(PRECISIONS)}")
  if precision == FLOAT32 or name == "saved_model":
    return
  advice = "; the format tflite_float16 has weights of 16 bits" if name.startswith("tflite") else ""
  raise ValueError(
    f"a precision of {precision} is for SavedModels and cannot be combined with the format {name}{advice}"
  )
