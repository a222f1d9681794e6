"""What aid adds to the counts of its grid and week.

Invariant: what an entry counts is worked out once, when it is given, and kept with it: a county that changes a conversion
changes no figure that was reported.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from fieldapp.aid import rules
from fieldapp.aid.models import Aid
from fieldapp.core.codes import find_code
from fieldapp.people.models import Household
from fieldapp.rollups import actions as rollups
from fieldapp.rollups.columns import OF_CASES
from fieldapp.rollups.queries import choose_week

VAGRANT = "vagrant"
# What these goods were is written out in the report.
OTHER_GOODS = "goods_other"


def count_given(
    aid: Aid, household: Household | None, on: date, now: datetime, measures: Mapping[str, int] | None = None
) -> None:
    """Count what was given on a day, in the week of that day or, where the county has confirmed that, in this one.

    `measures`: what it is of a case of relief, which says so itself.
    """
    set_counts(aid, household, on, now, measures)
    _count(aid)


def count_reversal(
    reversal: Aid, wrong: Aid, now: datetime, measures: Mapping[str, int] | None = None
) -> None:
    """Take off in this week what an entry counted in its own; of a case of relief, the `measures` that go with it."""
    set_reversal(reversal, wrong, now, measures)
    _count(reversal)


def set_counts(
    aid: Aid, household: Household | None, on: date, now: datetime, measures: Mapping[str, int] | None = None
) -> None:
    """Write down what an entry counts, and in which week."""
    there = household.people if household else []
    people = [one for one in there if aid.person_uuid in (None, one.person_uuid)]
    is_vagrant = any(held.tag == VAGRANT for one in people for held in one.tags)
    aid.counted = rules.list_counts(
        aid.kind,
        _settings("aid_programme", aid.programme),
        aid.source,
        _settings("aid_goods", aid.item),
        aid.unit or "",
        aid.amount_cents or 0,
        aid.quantity_milli or 0,
        persons=max(len(people), 1),
        is_vagrant=is_vagrant,
        measures=measures,
    )
    aid.week_on, aid.is_written_out = choose_week(aid.area_code, on, now), OTHER_GOODS in aid.counted


def set_reversal(reversal: Aid, wrong: Aid, now: datetime, measures: Mapping[str, int] | None = None) -> None:
    """Write down what a reversal takes off, and in which week."""
    counts = dict(wrong.counted or {})
    if measures is not None:
        counts = {column: value for column, value in counts.items() if column not in OF_CASES} | dict(
            measures
        )
    reversal.counted = {column: -value for column, value in counts.items()}
    reversal.week_on = choose_week(reversal.area_code, now, now)
    reversal.is_written_out = OTHER_GOODS in reversal.counted


def _count(aid: Aid) -> None:
    if aid.week_on and aid.counted:
        rollups.count(aid.area_code, aid.week_on, aid.counted)


def _settings(table: str, code: str | None) -> Mapping[str, Any]:
    row = find_code(table, code) if code else None
    return row.extra if row else {}
