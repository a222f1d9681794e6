"""When somebody is due: a table of cases, and that nobody who has an interval is ever without a next date."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from fieldapp.core import clock
from fieldapp.people.rules import (
    Contact,
    DueTable,
    Interval,
    Period,
    find_last_counted,
    list_intervals,
    next_due_on,
)

TABLE = DueTable(
    days={
        ("risk", "high"): 7,
        ("risk", "middle"): 30,
        ("risk", "low"): 90,
        ("class", "destitute_scattered"): 30,
        ("tag", "care_missing"): 2,
    },
    special_days={("class", "destitute_scattered"): 10, ("tag", "living_alone"): 5},
    every_other=frozenset({"high", "middle"}),
)
RISK_DAYS = {"high": 3, "middle": 15, "low": 45}
REGISTERED = date(2026, 11, 2)
SEEN = date(2026, 11, 20)


def day(month: int, of_month: int, year: int = 2026) -> date:
    return date(year, month, of_month)


def due(risk="low", main_class="none", tags=(), periods=(), last_on=SEEN, gone_on=None):
    return next_due_on(REGISTERED, last_on, gone_on, list_intervals(TABLE, risk, main_class, tags, periods))


@pytest.mark.parametrize(
    ("given", "due_on"),
    [
        # The risk asks alone.
        ({"risk": "high"}, day(11, 27)),
        ({"risk": "middle"}, day(12, 20)),
        ({"risk": "low"}, day(2, 18, 2027)),
        # The shortest of what risk, class and tags ask.
        ({"risk": "low", "main_class": "destitute_scattered"}, day(12, 20)),
        ({"risk": "high", "main_class": "destitute_scattered"}, day(11, 27)),
        ({"risk": "low", "tags": [("care_missing", None, None)]}, day(11, 22)),
        # A class, a tag or a risk that asks for nothing.
        ({"risk": "low", "main_class": "none", "tags": [("disabled", None, None)]}, day(2, 18, 2027)),
        ({"risk": "none", "main_class": "destitute_scattered"}, day(12, 20)),
        ({"risk": "none"}, None),
        # Leap days: 2024 has one, 2100 has none.
        ({"risk": "high", "last_on": day(2, 27, 2024)}, day(3, 5, 2024)),
        ({"risk": "high", "last_on": day(2, 22, 2024)}, day(2, 29, 2024)),
        ({"risk": "middle", "last_on": day(2, 29, 2024)}, day(3, 30, 2024)),
        ({"risk": "high", "last_on": day(2, 26, 2100)}, day(3, 5, 2100)),
        # Never seen: due since they were registered, whatever asks.
        ({"risk": "low", "last_on": None}, REGISTERED),
        ({"risk": "none", "last_on": None}, REGISTERED),
        # Gone: never due.
        ({"risk": "high", "gone_on": day(11, 21)}, None),
        ({"risk": "high", "last_on": None, "gone_on": day(11, 21)}, None),
    ],
)
def test_next_due_day(given, due_on):
    assert due(**given) == due_on


@pytest.mark.parametrize(
    ("from_on", "to_on", "due_on"),
    [
        (day(1, 1), day(11, 22), day(11, 22)),
        # Ended the day before it would have asked: the risk asks again.
        (day(1, 1), day(11, 21), day(2, 18, 2027)),
        (None, day(11, 21), day(2, 18, 2027)),
        # It begins later: due on its first day.
        (day(12, 1), None, day(12, 1)),
        (day(12, 1), day(12, 1), day(12, 1)),
        # Begun after the risk asks: nothing earlier.
        (day(3, 1, 2027), None, day(2, 18, 2027)),
        (day(11, 21), None, day(11, 22)),
    ],
)
def test_a_tag_asks_from_its_first_day_to_its_last(from_on, to_on, due_on):
    assert due(tags=[("care_missing", from_on, to_on)]) == due_on


@pytest.mark.parametrize(
    ("risk", "from_on", "until_on", "due_on"),
    [
        # Running: its interval, from the last contact.
        ("high", day(11, 1), None, day(11, 23)),
        ("middle", day(11, 1), None, day(12, 5)),
        ("low", day(11, 1), None, day(1, 4, 2027)),
        # Begun when its interval has long passed: due on its first day.
        ("high", day(11, 25), None, day(11, 25)),
        # Over before it asks: as if it had not been.
        ("low", day(11, 1), day(1, 3, 2027), day(2, 18, 2027)),
        ("low", day(11, 1), day(1, 4, 2027), day(1, 4, 2027)),
        # Begins after they are due anyway.
        ("high", day(11, 28), None, day(11, 27)),
        # It never loosens.
        ("none", day(11, 1), None, None),
        # What fell due in it stays due when it has ended.
        ("high", day(11, 21), day(11, 24), day(11, 23)),
        # Ended on the day it began (its last day lies before its first): as if it had not been.
        ("high", day(11, 24), day(11, 23), day(11, 27)),
    ],
)
def test_a_special_period_tightens_while_it_lasts(risk, from_on, until_on, due_on):
    assert due(risk, periods=[Period(from_on, until_on, RISK_DAYS)]) == due_on


def test_in_a_special_period_classes_and_tags_may_ask_for_more_and_the_tightest_period_counts():
    running = Period(day(11, 1), None, RISK_DAYS)
    assert due(main_class="destitute_scattered", periods=[running]) == day(11, 30)
    assert due(tags=[("living_alone", None, None)]) == day(2, 18, 2027)
    assert due(tags=[("living_alone", None, None)], periods=[running]) == day(11, 25)
    assert due(tags=[("living_alone", day(12, 1), None)], periods=[running]) == day(12, 1)
    assert due(tags=[("living_alone", None, day(10, 31))], periods=[running]) == day(1, 4, 2027)
    assert due(periods=[running, Period(day(11, 1), None, {"low": 20})]) == day(12, 10)


def test_a_period_without_days_for_a_risk_leaves_it_alone():
    assert due("high", periods=[Period(day(11, 1), None, {"low": 45})]) == day(11, 27)


@pytest.mark.parametrize(
    ("contacts", "counted"),
    [
        ("", None),
        ("1h", "1h"),
        ("1r", "1r"),
        ("1h 5r", "5r"),
        ("1h 5r 9r", "5r"),
        ("1h 5r 9r 12r", "5r"),
        ("1h 5r 9r 12h", "12h"),
        ("1h 5r 9h 12r", "12r"),
        ("1r 5r", "1r"),
        ("1r 5h 9r", "9r"),
        # A call on the day of a visit is part of the visit: the next one may be a call.
        ("1h 1r", "1h"),
        ("1h 1r 5r", "5r"),
        ("1r 2r 2h 3r", "3r"),
        ("1h 1h", "1h"),
    ],
)
def test_where_a_remote_contact_may_replace_only_every_other_visit(contacts, counted):
    def read(text: str) -> Contact:
        return Contact(day(11, int(text[:-1])), text[-1] == "r")

    found = find_last_counted(read(each) for each in contacts.split())
    assert found == (read(counted) if counted else None)


@pytest.mark.parametrize(
    ("instant", "on"),
    [
        (datetime(2026, 11, 19, 15, 59, 59, tzinfo=UTC), day(11, 19)),
        (datetime(2026, 11, 19, 16, 0, tzinfo=UTC), day(11, 20)),
        (datetime(2024, 2, 28, 16, 0, tzinfo=UTC), day(2, 29, 2024)),
        (datetime(2024, 2, 29, 16, 0, tzinfo=UTC), day(3, 1, 2024)),
        (datetime(2026, 12, 31, 16, 0, tzinfo=UTC), day(1, 1, 2027)),
        # China kept summer time until 1991.
        (datetime(1990, 7, 1, 15, 0, tzinfo=UTC), day(7, 2, 1990)),
    ],
)
def test_the_day_of_a_contact_is_the_one_in_shanghai(instant, on):
    assert clock.local_date(instant) == on


DAYS = st.dates(date(2020, 1, 1), date(2032, 12, 31))
LENGTHS = st.integers(1, 400)


@st.composite
def spans(draw):
    from_on = draw(st.none() | DAYS)
    to_on = draw(st.none() | DAYS)
    return from_on, to_on


@st.composite
def intervals(draw):
    return Interval(draw(LENGTHS), *draw(spans()))


@given(DAYS, st.none() | DAYS, st.lists(intervals(), max_size=5), LENGTHS, st.none() | DAYS)
def test_nobody_alive_and_here_with_an_interval_is_without_a_next_date(
    registered_on, last_on, others, days, from_on
):
    due_on = next_due_on(registered_on, last_on, None, [*others, Interval(days, from_on)])
    assert due_on is not None
    if last_on is None:
        assert due_on == registered_on
    else:
        assert due_on > last_on
        assert due_on <= max(last_on + timedelta(days=days), from_on or last_on)


@given(DAYS, st.lists(intervals(), min_size=1, max_size=4), intervals())
def test_whatever_else_asks_never_makes_a_date_later(last_on, some, another):
    before = next_due_on(REGISTERED, last_on, None, some)
    after = next_due_on(REGISTERED, last_on, None, [*some, another])
    assert before is None or (after is not None and after <= before)


CONTACTS = st.lists(st.builds(Contact, st.dates(day(1, 1), day(2, 28)), st.booleans()), max_size=12)


@given(CONTACTS.flatmap(lambda found: st.tuples(st.just(found), st.permutations(found))))
def test_the_order_in_which_contacts_become_known_does_not_matter(orders):
    one, other = orders
    assert find_last_counted(one) == find_last_counted(other)


@given(CONTACTS)
def test_a_visit_always_counts_and_a_remote_contact_never_hides_it(contacts):
    counted = find_last_counted(contacts)
    visits = [contact.on for contact in contacts if not contact.is_remote]
    if visits:
        assert counted is not None
        assert counted.on >= max(visits)
    assert (counted is None) == (not contacts)
