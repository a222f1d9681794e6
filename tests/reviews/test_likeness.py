"""Somebody registered twice, answers given too quickly, answers the same as on many other visits: as visits come in."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from fieldapp.areas.actions import add_grid
from fieldapp.areas.models import Area
from fieldapp.checklists.rules import list_own_answers
from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.people.actions import add_household
from fieldapp.people.models import Person
from fieldapp.reviews.models import Flag
from fieldapp.visits.models import Visit, VisitRevision
from tests.factories import GRID, OTHER_GRID, Desk, Phone, make_household, text_of
from tests.followups.test_pages import words_of

COUNTY = GRID[:6]
CALM = {"food_days": "d10", "medicine": "enough", "heating": "good", "urgent": "none"}
ON = {"based_on": "0", "is_on": "y", "severity": "yellow", "reason": "抽查前试用"}


def send(phone: Phone, seconds: int = 240, days_ago: int = 0, **home: str) -> str:
    """A visit on which somebody was reached, and how things at home are; its uuid."""
    ended = clock.now() - timedelta(minutes=1, days=days_ago)
    body = phone.visit(
        {
            "reached": "reached",
            "home": {**CALM, **home},
            "basics": {"utilities": "ok", "aid_on_time": "on_time"},
        },
        started_at=text_of(ended - timedelta(seconds=seconds)),
        finished_at=text_of(ended),
    )
    assert phone.push(phone.op("visit.submit", body))[0]["outcome"] == "accepted"
    return body["visit_uuid"]


def flags_of(app, visit_uuid: str) -> dict[str, Flag]:
    with app.app_context():
        return {
            flag.rule: flag for flag in db.session.scalars(select(Flag).where(Flag.visit_uuid == visit_uuid))
        }


def register_again(app, grid: str = GRID) -> str:
    """The first person of the household once more, in a household of their own; the uuid of that entry."""
    with app.app_context(), transaction():
        household = make_household(grid, "刘玉珍", ["刘玉珍"])
        add_household(household, clock.now())
        return household.people[0].person_uuid


# --- registered twice ---------------------------------------------------------------------------------------------------


def test_visit_to_somebody_registered_twice_is_flagged_once(app, county, phone):
    assert "duplicate_person" not in flags_of(app, send(phone))
    other = register_again(app)
    first, second = send(phone), send(phone)
    [pair] = flags_of(app, first)["duplicate_person"].evidence["likely_pairs"]
    assert (pair["person"], pair["other"]) == (county.person_uuids[0], other)
    assert "duplicate_person" not in flags_of(app, second)


def test_another_entry_found_later_is_told_of_by_the_next_visit(app, county, phone):
    register_again(app)
    send(phone)
    third = register_again(app)
    [pair] = flags_of(app, send(phone))["duplicate_person"].evidence["likely_pairs"]
    assert pair["other"] == third


def test_pair_told_of_by_a_visit_that_was_voided_is_told_of_again(app, county, phone):
    register_again(app)
    Desk(app).post(f"/reviews/{send(phone)}/void", revision="1", reason="录错了户")
    assert "duplicate_person" in flags_of(app, send(phone))


def test_pair_ruled_out_raises_nothing(app, county, phone):
    other = register_again(app)
    Desk(app).post("/duplicates/rule-out", one=county.person_uuids[0], other=other)
    assert "duplicate_person" not in flags_of(app, send(phone))


def test_page_leads_to_the_comparison_and_says_what_became_of_it(app, county, phone):
    other = register_again(app)
    visit_uuid, desk = send(phone), Desk(app)
    compare = f"/duplicates/people/{county.person_uuids[0]}/{other}"
    page = desk.get(f"/reviews/{visit_uuid}")
    assert compare in page.text
    assert "可能重复登记" in words_of(page)
    assert desk.get(compare).status_code == 200
    desk.post("/duplicates/rule-out", one=county.person_uuids[0], other=other)
    page = desk.get(f"/reviews/{visit_uuid}")
    assert compare not in page.text
    assert "已认定为两个人" in words_of(page)


def test_entry_outside_the_readers_reach_is_not_shown(app, county, phone):
    other = register_again(app, OTHER_GRID)
    with app.app_context(), transaction():
        village = db.session.scalars(
            select(Area.code).where(Area.level == "village", Area.code.startswith("230183101"))
        ).first()
        elsewhere = add_grid(f"{village}001", "外乡网格")
        person = db.session.get_one(Person, other)
        person.household.grid_code = elsewhere.code
        person.household.address, person.name = "外县某村", "刘玉贞"
    visit_uuid = send(phone)
    page = Desk(app).get(f"/reviews/{visit_uuid}")
    assert "可能重复登记" in words_of(page)
    assert "您辖区以外" in words_of(page)
    assert other not in page.text
    assert "外县某村" not in page.text
    assert "刘玉贞" not in page.text


# --- too quick ----------------------------------------------------------------------------------------------------------


def test_nobody_asks_how_quick_a_visit_was_until_a_county_does(app, county, phone):
    assert flags_of(app, send(phone, seconds=1)) == {}
    Desk(app, "officer").post(f"/flag-rules/{COUNTY}/too_quick", seconds="3", **ON)
    # Five questions were answered on the visit, two more were taken from last time.
    assert flags_of(app, send(phone, seconds=15)) == {}
    flag = flags_of(app, quick := send(phone, seconds=14))["too_quick"]
    assert flag.evidence == {"lasted_s": 14, "answers": 5, "limit_s": 3}
    page = words_of(Desk(app).get(f"/reviews/{quick}"))
    assert "5 个问题用时 14 秒" in page
    assert "2.8 秒" in page


def test_correction_of_a_quick_visit_keeps_the_flag_as_of_the_version_it_was(app, county, phone):
    Desk(app, "officer").post(f"/flag-rules/{COUNTY}/too_quick", seconds="3", **ON)
    visit_uuid = send(phone, seconds=5)
    Desk(app).post(f"/reviews/{visit_uuid}/return", revision="1", reason="请补充")
    with app.app_context():
        body = db.session.get_one(Visit, visit_uuid).revisions[0].body
    assert phone.push(phone.op("visit.revise", body, base=1))[0]["outcome"] == "accepted"
    assert flags_of(app, visit_uuid)["too_quick"].revision == 1


# --- the same answers ---------------------------------------------------------------------------------------------------


def compare_from(app, visits: int, days: int = 7) -> None:
    Desk(app, "officer").post(f"/flag-rules/{COUNTY}/same_answers", visits=str(visits), days=str(days), **ON)


def hashes(app) -> set[Any]:
    with app.app_context():
        return set(db.session.scalars(select(VisitRevision.answers_hash)))


def test_nothing_is_kept_to_compare_by_until_a_county_compares(app, county, phone):
    uuids = [send(phone) for _ in range(3)]
    assert hashes(app) == {None}
    compare_from(app, 2)
    assert flags_of(app, send(phone)) == {}
    assert [flags_of(app, uuid) for uuid in uuids] == [{}, {}, {}]


def test_visit_with_the_same_answers_as_many_others_names_the_latest_of_them(app, county, phone):
    compare_from(app, 2)
    first, second, other = send(phone), send(phone, days_ago=2), send(phone, food_days="d3_9")
    third = send(phone)
    assert flags_of(app, first) == flags_of(app, second) == flags_of(app, other) == {}
    flag = flags_of(app, third)["same_answers"]
    assert flag.evidence == {"visits": 2, "named": [first, second], "limit_visits": 2, "limit_days": 7}
    page = Desk(app).get(f"/reviews/{third}")
    assert f"/reviews/{first}" in page.text
    assert "与另外 2 次走访完全相同" in words_of(page)


def test_answers_long_ago_voided_or_of_somebody_else_are_not_compared(app, county, phone):
    compare_from(app, 2)
    voided = send(phone)
    send(phone, days_ago=8)
    Desk(app).post(f"/reviews/{voided}/void", revision="1", reason="录错了户")
    colleague = Phone(app, county, "worker2")
    body = colleague.visit(
        {"reached": "reached", "home": CALM},
        household_uuid=county.other_household_uuid,
        people=[county.other_person_uuid],
    )
    assert colleague.push(colleague.op("visit.submit", body))[0]["outcome"] == "accepted"
    send(phone)
    assert flags_of(app, send(phone)) == {}
    assert "same_answers" in flags_of(app, send(phone))


def test_answers_are_kept_by_a_hash_that_is_each_workers_own(app, county, phone):
    compare_from(app, 2)
    send(phone)
    colleague = Phone(app, county, "worker2")
    answers = {"reached": "reached", "home": CALM, "basics": {"utilities": "ok", "aid_on_time": "on_time"}}
    body = colleague.visit(
        answers, household_uuid=county.other_household_uuid, people=[county.other_person_uuid]
    )
    assert colleague.push(colleague.op("visit.submit", body))[0]["outcome"] == "accepted"
    kept = hashes(app)
    assert len(kept) == 2
    assert all(len(one) == 64 for one in kept)


@pytest.mark.parametrize(
    ("node", "is_own"),
    [
        ({"type": "select_one"}, True),
        ({"type": "text"}, True),
        ({"type": "image"}, True),
        ({"type": "select_one", "carry": True}, False),
        ({"type": "text", "prefill": "household.phone"}, False),
        ({"type": "select_one", "default": "same"}, False),
        ({"type": "text", "calculate": ["today"]}, False),
        ({"type": "hidden"}, False),
        ({"type": "note"}, False),
    ],
)
def test_answer_is_ones_own_when_nothing_offered_it(node, is_own):
    question = {"kind": "question", "name": "q", **node}
    nested = {"kind": "repeat", "name": "people", "children": [question]}
    group = {"kind": "group", "name": "home", "children": [question]}
    document = {"nodes": [question, group, nested]}
    found = list_own_answers(document, {"q": "a", "home": {"q": "b"}, "people": [{}, {"q": "c"}]})
    expected = [("q", "a"), ("home/q", "b"), ("people[2]/q", "c")] if is_own else []
    assert [(answer.path, answer.value) for answer in found] == expected
