"""When somebody is due, how numbers are masked, which ID numbers are right."""

from __future__ import annotations

from datetime import date

import pytest

from fieldapp.people.rules import earliest, id_check_digit, mask_id, mask_phone, next_due_on

INTERVALS = {"high": 7, "middle": 30, "low": 90}
TODAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("risk", "last_on", "died_on", "due_on"),
    [
        ("high", date(2026, 11, 20), None, date(2026, 11, 27)),
        ("middle", date(2026, 11, 20), None, date(2026, 12, 20)),
        ("low", date(2026, 11, 20), None, date(2027, 2, 18)),
        ("high", date(2024, 2, 27), None, date(2024, 3, 5)),
        ("low", None, None, TODAY),
        ("high", date(2026, 11, 20), date(2026, 11, 21), None),
        ("high", None, date(2026, 11, 21), None),
    ],
)
def test_next_due_day(risk, last_on, died_on, due_on):
    assert next_due_on(risk, last_on, died_on, INTERVALS, TODAY) == due_on


def test_household_is_due_when_its_first_person_is():
    assert earliest([date(2026, 12, 1), None, date(2026, 11, 30)]) == date(2026, 11, 30)
    assert earliest([None]) is None


@pytest.mark.parametrize(
    ("phone", "masked"),
    [
        ("13812341234", "138****1234"),
        ("0451-8888666", "045****8666"),
        ("110", "****10"),
        ("", None),
        (None, None),
    ],
)
def test_phone_is_masked(phone, masked):
    assert mask_phone(phone) == masked


def test_id_number_is_masked_to_first_three_and_last_four():
    assert mask_id("230183195005041249") == "230***********1249"
    assert mask_id(None) is None


@pytest.mark.parametrize(
    ("first17", "digit"),
    # The first is the example of GB 11643 itself.
    [("11010519491231002", "X"), ("44052418800101001", "4"), ("00000000000000000", "1")],
)
def test_check_digit_of_gb_11643(first17, digit):
    assert id_check_digit(first17) == digit
