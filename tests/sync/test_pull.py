"""Pulling: a phone gets what is its worker's, once, in order, and learns what is gone."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.core.feeds import Feed, FeedEntry, ServerState, publish
from fieldapp.followups import actions as followups
from fieldapp.people.actions import publish_household
from fieldapp.people.models import Household
from fieldapp.reviews import actions as reviews
from fieldapp.sync.queries import DOCUMENT_WEIGHT
from fieldapp.users.models import User, UserScope
from fieldapp.visits.models import Visit
from tests.factories import GRID, OTHER_GRID, TOWNSHIP


def kinds(records) -> set[str]:
    return {kind for kind, _ in records}


def test_first_pull_brings_areas_households_people_checklists_and_codes(phone, county):
    records = phone.pull()
    assert kinds(records) == {"area", "household", "person", "checklist", "code"}
    household = records["household", county.household_uuid]
    assert household["name"] == "刘玉珍"
    assert household["due_on"] == clock.local_date(clock.now()).isoformat()
    assert records["person", county.person_uuids[0]]["tags"] == ["living_alone"]
    assert records["area", GRID]["level"] == "grid"
    offered = {record["key"] for (kind, _), record in records.items() if kind == "checklist"}
    assert {"routine", "followup_result"} <= offered


def test_nothing_of_another_grid_is_pulled(phone, county):
    records = phone.pull()
    assert ("household", county.other_household_uuid) not in records
    assert ("person", county.other_person_uuid) not in records


def test_nothing_new_is_a_small_answer_that_sets_no_cookie(phone):
    phone.pull()
    answer = phone.client.get("/api/sync/pull", query_string={"cursor": phone.cursor}, headers=phone.headers)
    assert answer.json["changes"] == []
    assert len(answer.data) < 300
    assert "Set-Cookie" not in answer.headers


def test_nothing_new_stays_small_when_every_level_published_something(app, phone):
    with app.app_context(), transaction():
        worker = db.session.scalars(select(User).where(User.username == "worker")).one()
        worker.scopes.append(UserScope(area_code=TOWNSHIP, starts_at=clock.now()))
        for code in ("2301", TOWNSHIP, *(grid[:12] for grid in (GRID, OTHER_GRID))):
            publish(code, "checklist", "1", gone=True)
        db.session.flush()
    with app.app_context(), transaction():
        db.session.execute(update(Feed).values(number=Feed.number + 10_000))
        db.session.execute(update(FeedEntry).values(number=FeedEntry.number + 10_000))
    phone.pull()
    answer = phone.client.get("/api/sync/pull", query_string={"cursor": phone.cursor}, headers=phone.headers)
    assert answer.json["changes"] == []
    assert len(answer.data) < 300


def test_checklists_come_a_few_at_a_time(phone, monkeypatch):
    monkeypatch.setattr("fieldapp.sync.queries.PAGE", 3 * DOCUMENT_WEIGHT)
    counts, cursor, more = [], None, True
    while more:
        page = phone.client.get("/api/sync/pull", query_string={"cursor": cursor}, headers=phone.headers).json
        counts.append(sum(change["kind"] == "checklist" for change in page["changes"]))
        cursor, more = page["cursor"], page["more"]
    assert max(counts) == 3
    assert sum(counts) > 3


def test_pages_of_any_size_bring_the_same_records(phone, monkeypatch):
    whole = phone.pull()
    for size in (1, 2, 7):
        monkeypatch.setattr("fieldapp.sync.queries.PAGE", size)
        phone.records, phone.cursor = {}, None
        assert phone.pull() == whole


@pytest.mark.parametrize(
    "cursor",
    ["{epoch}.common", "{epoch}.common.9{digits}", "{epoch}.common.x", "", "x", "..", "😀", "a" * 5000],
)
def test_damaged_cursor_reads_everything_again(phone, cursor):
    phone.pull()
    epoch = phone.cursor.split(".")[0]
    phone.cursor, phone.records = cursor.format(epoch=epoch, digits="9" * 400), {}
    assert "household" in kinds(phone.pull())


def test_new_epoch_reads_everything_again(app, phone):
    phone.pull()
    with app.app_context(), transaction():
        db.session.get_one(ServerState, "epoch").value = "another"
    phone.records = {}
    assert "household" in kinds(phone.pull())


def test_grid_taken_away_is_named_as_left(app, phone):
    phone.pull()
    with app.app_context(), transaction():
        db.session.scalars(
            select(UserScope).where(UserScope.user_id == phone.user_id)
        ).one().ends_at = clock.now()
    answer = phone.client.get("/api/sync/pull", query_string={"cursor": phone.cursor}, headers=phone.headers)
    assert answer.json["left"] == ["23", GRID]
    assert GRID not in str(answer.json["changes"])


def test_changed_household_comes_again_with_a_higher_rev(app, phone, county):
    phone.pull()
    with app.app_context(), transaction():
        household = db.session.get_one(Household, county.household_uuid)
        household.address = "幸福村3组"
        publish_household(household)
    answer = phone.client.get("/api/sync/pull", query_string={"cursor": phone.cursor}, headers=phone.headers)
    assert [change["kind"] for change in answer.json["changes"]] == ["household", "person", "person"]
    assert answer.json["changes"][0]["record"]["address"] == "幸福村3组"


def test_own_visit_comes_back_without_answers_and_returned_one_with_them(app, phone, county):
    body = phone.visit({"reached": "reached", "home": {"food_days": "d3_9"}})
    phone.push(phone.op("visit.submit", body))
    key = "visit", body["visit_uuid"]
    record = phone.pull()[key]
    assert (record["state"], record["answers"], record["returned"]) == ("submitted", None, None)
    with app.app_context(), transaction():
        reviews.return_visit(
            db.session.get_one(User, county.users["supervisor"]),
            body["visit_uuid"],
            1,
            reason="燃气情况请补拍一张",
            notes={"home/food_days": "请再问一次", "home/heating": "  "},
            now=clock.now(),
        )
    record = phone.pull()[key]
    assert (record["state"], record["revision"]) == ("returned", 1)
    assert record["answers"] == body["answers"]
    assert record["returned"]["reason"] == "燃气情况请补拍一张"
    assert record["returned"]["notes"] == {"home/food_days": "请再问一次"}
    assert record["returned"]["by"] == "测试supervisor"


def test_followup_goes_to_its_assignee_and_leaves_when_given_to_another(app, phone, county):
    with app.app_context(), transaction():
        now = clock.now()
        supervisor = db.session.get_one(User, county.users["supervisor"])
        task = followups.create_followup(
            supervisor,
            household_uuid=county.household_uuid,
            person_uuid=None,
            visit_uuid=None,
            type="heating",
            severity="orange",
            reason_text="取暖煤送到没有?",
            assignee_id=county.users["worker"],
            due_at=now,
            instructions="到家看一看",
            now=now,
        )
        followup_id = task.followup_id
    record = phone.pull()["followup", followup_id]
    assert record["instructions"] == "到家看一看"
    with app.app_context(), transaction():
        followups.hand_out_followup(
            db.session.get_one(User, county.users["supervisor"]),
            followup_id,
            assignee_id=county.users["supervisor"],
            due_at=clock.now(),
            instructions=None,
            now=clock.now(),
        )
    assert ("followup", followup_id) not in phone.pull()


def test_carry_answers_are_offered_to_the_next_visit(app, phone, county):
    answers = {
        "reached": "reached",
        "home": {"food_days": "d10"},
        "basics": {"utilities": "ok", "aid_on_time": "yes"},
        "people": [{"condition": "same"}],
    }
    phone.push(phone.op("visit.submit", phone.visit(answers)))
    carry = phone.pull()["household", county.household_uuid]["carry"]
    assert carry["answers"]["basics"] == {"utilities": "ok", "aid_on_time": "yes"}
    # A safety question is never offered again.
    assert "home" not in carry["answers"]
    with app.app_context():
        assert db.session.scalars(select(Visit)).one().state == "submitted"
