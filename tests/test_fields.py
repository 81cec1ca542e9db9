"""Checks of values from outside: what is accepted comes back in types of Python, everything else is a ValueError."""

import dataclasses
import math
import re

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from nao_tf import fields

CHECKS = {
  "integer": fields.integer,
  "number": fields.number,
  "any_number": fields.any_number,
  "number_or_none": fields.number_or_none,
  "boolean": fields.boolean,
  "text": fields.text,
  "one_of": lambda value, name: fields.one_of(value, name, ("big", "small")),
  "elements": fields.elements,
  "integers": fields.integers,
  "mapping": fields.mapping,
  "members": lambda value, name: fields.members(value, name, ("id",)),
}

ANYTHING = st.recursive(
  st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.builds(lambda: 10**5000) | st.binary(),
  lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
  max_leaves=6,
)


@pytest.mark.parametrize(
  ("check", "value", "expected"),
  [
    ("integer", 3, 3),
    ("integer", np.int8(3), 3),
    ("number", 3, 3.0),
    ("number", np.float32(0.5), 0.5),
    ("any_number", math.inf, math.inf),
    ("number_or_none", None, None),
    ("boolean", False, False),
    ("text", "", ""),
    ("one_of", "big", "big"),
    ("elements", [1, "a"], [1, "a"]),
    ("integers", [1, np.int64(2)], (1, 2)),
    ("integers", [], ()),
    ("mapping", {}, {}),
    ("members", {"id": None}, {"id": None}),
  ],
)
def test_what_fits_comes_back_as_a_value_of_python(check, value, expected):
  checked = CHECKS[check](value, "field")
  assert checked == expected and type(checked) is type(expected)


@pytest.mark.parametrize(
  ("check", "value", "message"),
  [
    (fields.integer, True, "expected an integer for 'field', got True"),
    (fields.integer, 1.0, "expected an integer for 'field', got 1.0"),
    (fields.integer, "1", "expected an integer for 'field', got '1'"),
    (lambda v, n: fields.integer(v, n, 0, 5), 0.7, "expected an integer from 0 to 5 for 'field', got 0.7"),
    (lambda v, n: fields.integer(v, n, 0), -1, "expected an integer of at least 0 for 'field', got -1"),
    (lambda v, n: fields.integer(v, n, high=5), 6, "expected an integer of at most 5 for 'field', got 6"),
    (fields.number, math.nan, "expected a finite number for 'field', got nan"),
    (fields.number, -math.inf, "expected a finite number for 'field', got -inf"),
    (fields.number, np.True_, "expected a finite number for 'field', got"),
    (lambda v, n: fields.number(v, n, 0), math.nan, "expected a finite number of at least 0 for 'field', got nan"),
    (fields.any_number, True, "expected a finite number for 'field', got True"),
    (fields.boolean, 1, "expected true or false for 'field', got 1"),
    (fields.text, None, "expected a text for 'field', got None"),
    (lambda v, n: fields.one_of(v, n, ("big", "small")), "x", "expected one of big, small for 'field', got 'x'"),
    (fields.elements, "ab", "expected a list for 'field', got 'ab'"),
    (lambda v, n: fields.elements(v, n, 2), [1], "expected a list of 2 for 'field', got [1]"),
    (fields.integers, [0, 0.5], "expected an integer for 'field[1]', got 0.5"),
    (lambda v, n: fields.integers(v, n, 0, 3), [0, 4], "expected an integer from 0 to 3 for 'field[1]', got 4"),
    (lambda v, n: fields.members(v, n, ("id",)), [], "expected a JSON object for 'field', got []"),
    (lambda v, n: fields.members(v, n, ("id",)), {}, "field: has no 'id'; got {}"),
    (
      lambda v, n: fields.members(v, n, ("id",), ("x",)),
      {"id": 1, "y": 2},
      "field: has an unknown 'y'; expected id, x",
    ),
  ],
)
def test_what_does_not_fit_is_named_with_what_was_expected(check, value, message):
  with pytest.raises(ValueError, match=re.escape(message)):
    check(value, "field")


@pytest.mark.parametrize(
  "value",
  [
    ["\x1f" * 80] * 6,
    [{letter * 80: letter * 80 for letter in "abcd"}] * 6,
    [[["a" * 80] * 6] * 6] * 6,
    {"\U00011daa" * 80},
  ],
  ids=["texts", "objects", "nested", "set"],
)
def test_a_value_of_many_long_parts_is_short_in_a_message(value):
  shown = fields.shown(value)
  assert len(shown) <= 203
  assert shown.startswith(repr(value)[:20])


@pytest.mark.parametrize("check", CHECKS)
@hypothesis.settings(max_examples=60, deadline=None, derandomize=True)
@hypothesis.given(value=ANYTHING)
def test_whatever_comes_it_passes_or_is_a_short_value_error(check, value):
  try:
    CHECKS[check](value, "field")
  except ValueError as error:
    assert len(str(error)) < 400


@dataclasses.dataclass(frozen=True)
class Config:
  rate: float = 0.5
  steps: tuple[float, ...] = (1.0,)
  name: str | None = None
  count: int = 1
  on: bool = True

  def __post_init__(self):
    fields.check_config(self)


@pytest.mark.parametrize("changes", [{"rate": math.nan}, {"rate": math.inf}, {"steps": (0.0, -math.inf)}])
def test_a_configuration_has_finite_numbers(changes):
  (name,) = changes
  with pytest.raises(ValueError, match=f"Config: {name} must be finite, got"):
    Config(**changes)
  assert Config(rate=2, name="x").rate == 2


@pytest.mark.parametrize(
  ("changes", "expected"),
  [
    ({"rate": "fast"}, "rate must be a number, got 'fast'"),
    ({"rate": True}, "rate must be a number, got True"),
    ({"count": 1.5}, "count must be an integer, got 1.5"),
    ({"count": None}, "count must be an integer, got None"),
    ({"on": 1}, "on must be True or False, got 1"),
    ({"name": 3}, "name must be a text, or None, got 3"),
  ],
)
def test_a_configuration_has_values_of_the_types_of_its_fields(changes, expected):
  with pytest.raises(ValueError, match=f"Config: {re.escape(expected)}"):
    Config(**changes)
  assert Config(count=np.int64(2), rate=np.float32(1), name=None).count == 2


def test_things_are_counted_in_words():
  assert [fields.counted(number, "trial") for number in (0, 1, 2, 1200)] == [
    "0 trials",
    "1 trial",
    "2 trials",
    "1,200 trials",
  ]


def test_the_words_of_a_text_are_split_at_commas():
  assert fields.split_text(" a, b,,c ") == ["a", "b", "c"] and fields.split_text("") == []
