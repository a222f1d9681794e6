"""What decides about relief without a database: tiers, deadlines, steps, names made public."""

from __future__ import annotations

from datetime import UTC, date, datetime
from types import SimpleNamespace

import pytest

from fieldapp.core import clock
from fieldapp.relief import rules
from fieldapp.relief.policy_queries import FIRST
from fieldapp.workdays.rules import add_working_days

YUAN = SimpleNamespace(**{**FIRST, "township_limit": 2_000_00})
# Twice and a half the standard of 700 yuan, for each person.
TIMES = SimpleNamespace(**{**FIRST, "measure": "standard", "township_limit": 2_50})


@pytest.mark.parametrize(
    ("terms", "cents", "people", "has_township", "tier"),
    [
        (YUAN, 1, 1, True, "township"),
        (YUAN, 2_000_00, 1, True, "township"),
        (YUAN, 2_000_01, 1, True, "county"),
        (YUAN, 2_000_01, 5, True, "county"),  # a fixed sum is for the household
        (YUAN, 100, 1, False, "county"),  # a unit of 市本级 has no township
        (TIMES, 1_750_00, 1, True, "township"),
        (TIMES, 1_750_01, 1, True, "county"),
        (TIMES, 5_250_00, 3, True, "township"),
        (TIMES, 5_250_01, 3, True, "county"),
        (TIMES, 1_750_00, 0, True, "township"),  # nobody counted yet is one
    ],
)
def test_tier_follows_from_the_amount(terms, cents, people, has_township, tier):
    assert rules.tier_of(cents, people, terms, has_township=has_township) == tier


@pytest.mark.parametrize(
    ("role", "tier", "covers_county", "may"),
    [
        ("leader", "township", False, True),
        ("leader", "county", False, False),
        ("leader", None, False, True),
        ("officer", "township", True, True),
        ("officer", "county", True, True),
        ("officer", "county", False, False),
        ("officer", "township", False, False),
        ("supervisor", "township", True, False),
        ("worker", "township", True, False),
        ("admin", None, True, False),
    ],
)
def test_who_decides_which_tier(role, tier, covers_county, may):
    assert rules.may_decide(role, tier, covers_county=covers_county) is may


# Monday, 09:00 in Asia/Shanghai.
APPLIED = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("state", "is_urgent", "since", "paid", "papers", "due"),
    [
        ("applied", False, "2026-11-23", None, None, "2026-11-24T15:59:00Z"),  # the end of Tuesday
        ("accepted", False, "2026-11-24", None, None, "2026-12-01T15:59:00Z"),
        ("investigated", False, "2026-11-24", None, None, "2026-12-01T15:59:00Z"),
        ("proposed", False, "2026-11-26", None, None, "2026-12-01T15:59:00Z"),
        ("approved", False, "2026-11-27", None, None, "2026-12-02T15:59:00Z"),
        ("paid", False, "2026-11-27", "2026-11-27", None, None),
        ("closed", False, "2026-11-27", "2026-11-27", None, None),
        ("refused", True, "2026-11-23", None, None, None),
        # Aid first: 24 hours by the clock, whatever step is next.
        ("applied", True, "2026-11-23", None, None, "2026-11-24T01:00:00Z"),
        ("approved", True, "2026-11-23", None, None, "2026-11-24T01:00:00Z"),
        # Then the papers: ten working days.
        ("paid", True, "2026-11-23", "2026-11-23", None, "2026-12-07T15:59:00Z"),
        ("approved", True, "2026-11-23", "2026-11-23", None, "2026-12-07T15:59:00Z"),
        ("paid", True, "2026-11-23", "2026-11-23", "2026-11-30", None),
        # Over the holidays of October.
        ("proposed", False, "2026-09-30", None, None, "2026-10-10T15:59:00Z"),
    ],
)
def test_next_step_is_due(state, is_urgent, since, paid, papers, due):
    october = {date(2026, 10, day): False for day in range(1, 8)} | {date(2026, 10, 10): True}
    standing = rules.Standing(
        state,
        is_urgent,
        APPLIED,
        date(2026, 11, 23),
        date.fromisoformat(since),
        date.fromisoformat(paid) if paid else None,
        date.fromisoformat(papers) if papers else None,
    )
    found = rules.due_at(
        standing, YUAN, lambda day, number: add_working_days(day, number, october), clock.midnight
    )
    assert clock.iso(found) == due


@pytest.mark.parametrize(
    ("day", "months", "before"),
    [
        ("2026-11-29", 12, "2025-11-29"),
        ("2026-03-31", 1, "2026-02-28"),
        ("2024-02-29", 12, "2023-02-28"),
        ("2026-01-15", 1, "2025-12-15"),
    ],
)
def test_months_before(day, months, before):
    assert rules.months_before(date.fromisoformat(day), months).isoformat() == before


@pytest.mark.parametrize(
    ("name", "birth_on", "shown"),
    [
        ("刘玉珍", "1950-05-04", "刘*珍"),
        ("李四", "1950-05-04", "李*"),
        ("欧阳海燕", "1980-01-01", "欧*燕"),
        ("刘小宝", "2015-05-04", "某某"),
        # Eighteen on that very day.
        ("刘小宝", "2008-11-29", "刘*宝"),
        ("刘小宝", "2008-11-30", "某某"),
        ("刘小宝", None, "刘某某"),
        ("", "1950-05-04", "某某"),
        ("  ", None, "某某"),
    ],
)
def test_name_made_public_is_masked_and_of_a_minor_left_out(name, birth_on, shown):
    birthday = date.fromisoformat(birth_on) if birth_on else None
    assert rules.public_name(name, birthday, date(2026, 11, 29)) == shown
