"""The desk's words are the phone's texts without their signs."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from fieldapp.checklists.markup import plain

CASES = json.loads((Path(__file__).parent / "markup.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("text", "words"), CASES)
def test_words_are_left_when_signs_go(text, words):
    assert plain(text) == words


@given(st.text(alphabet="*_#<>/[]()\\bp a字\n", max_size=60))
def test_no_text_is_too_odd(text):
    assert len(plain(text)) <= len(text) + 1


def test_a_long_text_of_signs_takes_no_longer_than_its_length():
    started = time.perf_counter()
    for signs in ("*a", "<b>", "[", "_a_", "**a*"):
        plain(signs * 20_000)
    assert time.perf_counter() - started < 5
