"""The page of the flagfiles is the one that its program writes."""

import types

import pytest

from tests.docs import pages

PROGRAM = pages.program("write_flagfiles.py")


def test_the_page_is_what_the_program_writes_now():
  assert PROGRAM.PAGE.read_text(encoding="utf-8") == PROGRAM.page()  # Else run docs/write_flagfiles.py.


def test_another_number_than_the_published_one_needs_a_reason():
  description = types.SimpleNamespace(parameters=3_349_342)
  assert PROGRAM.difference("systems/new", "3.3", description) == "none"
  assert PROGRAM.difference("systems/darts_v2_36", "4.6", description).startswith("-1.3M: ")
  with pytest.raises(ValueError, match=r"systems/new: 3,349,342 parameters, but 4\.6M published"):
    PROGRAM.difference("systems/new", "4.6", description)


def test_what_a_header_does_not_say_is_an_error():
  with pytest.raises(ValueError, match="says what to expect"):
    PROGRAM.expected("A search. Hardware: one GPU.")
