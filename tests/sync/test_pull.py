"""Pulling: a phone gets what is its worker's, once, in order, and learns what is gone."""

from __future__ import annotations

import threading
import uuid
from datetime import timedelta
from functools import reduce
from operator import xor

import pytest
from sqlalchemy import event, select, update

from fieldapp.areas import queries as areas
from fieldapp.areas.queries import feeds_above
from fieldapp.core import clock, feeds
from fieldapp.core.db import db, transaction
from fieldapp.core.feeds import Feed, ServerState, epoch, publish
from fieldapp.followups import actions as followups
from fieldapp.people.actions import publish_household
from fieldapp.people.models import Household
from fieldapp.reviews import actions as reviews
from fieldapp.sync import queries
from fieldapp.sync.queries import DOCUMENT_WEIGHT
from fieldapp.users.models import User, UserScope
from fieldapp.visits.models import Visit
from tests.factories import GRID, OTHER_GRID, TOWNSHIP
from tests.live import run_command


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


def test_a_reading_from_the_start_says_so_on_its_first_page_only(app, phone, monkeypatch):
    monkeypatch.setattr("fieldapp.sync.queries.PAGE", 100)
    pages = [phone.pull_page()]
    while pages[-1]["more"]:
        phone.cursor = pages[-1]["cursor"]
        pages.append(phone.pull_page())
    assert len(pages) > 2
    assert ["from_start" in page for page in pages] == [True] + [False] * (len(pages) - 1)
    assert ["state" in page for page in pages] == [False] * (len(pages) - 1) + [True]
    with app.app_context():
        assert pages[0]["epoch"] == epoch()[:8]
        read = pages[-1]["cursor"].split(".")[1::2]
        states = db.session.scalars(select(Feed.state).where(Feed.code.in_(read)))
        assert int(pages[-1]["state"], 16) == reduce(xor, states)


def test_what_leaves_a_feed_is_told_apart_from_what_is_not_for_this_account(app, phone, county):
    phone.pull()
    with app.app_context(), transaction():
        publish(GRID, "household", county.household_uuid, gone=True)
        publish(GRID, "followup", str(uuid.uuid4()))
    gone, not_theirs = phone.pull_page()["changes"]
    assert (gone["uuid"], gone["record"], gone["gone"]) == (county.household_uuid, None, True)
    assert not_theirs["record"] is None
    assert "gone" not in not_theirs
    assert ("household", county.household_uuid) not in phone.pull()


def test_nothing_new_costs_the_same_however_much_is_stored_elsewhere(app, phone, county):
    phone.pull()

    def cost() -> list[tuple[str, int]]:
        """Each statement by its text, with the rows it read (where the driver counts them)."""
        statements: list[tuple[str, int]] = []

        def count(_connection, cursor, statement, *_rest):
            statements.append((statement, cursor.rowcount))

        with app.app_context():
            engine = db.engine
        event.listen(engine, "after_cursor_execute", count)
        assert phone.pull_page()["changes"] == []
        event.remove(engine, "after_cursor_execute", count)
        return statements

    few = cost()
    with app.app_context(), transaction():
        for number in range(1000):
            publish(OTHER_GRID, "household", str(number))
            publish(f"u{number + 1000}", "visit", "1")
    many = cost()
    assert few == many
    # One row of `feeds` each, and no entry at all: their last numbers say that there is nothing.
    assert sum("FROM feeds" in statement for statement, _ in many) == 1
    assert not any("FROM feed_entries" in statement for statement, _ in many)


def test_what_changes_while_a_page_is_read_is_on_the_next_one(app, phone, county, monkeypatch):
    """A page is one snapshot: numbers, records and the state are of the same moment."""
    real = areas.list_grids

    def read_slowly(codes):
        found = real(codes)
        thread = threading.Thread(target=change)
        thread.start()
        thread.join(5)
        return found

    def change() -> None:
        with app.app_context(), transaction():
            household = db.session.get_one(Household, county.household_uuid)
            household.address = "幸福村3组"
            publish_household(household)

    # All else is read: what is told anew fits on one page.
    phone.pull()
    with app.app_context(), transaction():
        publish_household(db.session.get_one(Household, county.household_uuid))
    monkeypatch.setattr(queries, "list_grids", read_slowly)
    records = phone.pull()
    monkeypatch.undo()
    assert records["household", county.household_uuid]["address"] == "幸福村2组"
    assert phone.pull()["household", county.household_uuid]["address"] == "幸福村3组"


def test_a_phone_that_was_away_beyond_a_compaction_reads_everything_again(app, phone, county):
    phone.pull()
    away = phone.cursor
    with app.app_context():
        with transaction():
            publish(GRID, "household", county.household_uuid, gone=True)
        feeds.compact(clock.now())
        feeds.compact(clock.now() + timedelta(days=30))
    phone.cursor = away
    assert phone.pull_page()["from_start"]
    assert ("household", county.household_uuid) not in phone.pull()
    # It is past what was dropped now, though no entry carries that number.
    assert "from_start" not in phone.pull_page()


def test_a_new_phone_does_not_start_again_because_a_feed_was_compacted(app, phone, county):
    with app.app_context():
        with transaction():
            publish(GRID, "household", county.household_uuid, gone=True)
        feeds.compact(clock.now())
        feeds.compact(clock.now() + timedelta(days=30))
    phone.pull()
    page = phone.pull_page()
    assert page["changes"] == []
    assert "from_start" not in page


def test_grid_taken_away_is_named_as_left(app, phone):
    phone.pull()
    with app.app_context(), transaction():
        db.session.scalars(
            select(UserScope).where(UserScope.user_id == phone.user_id)
        ).one().ends_at = clock.now()
    answer = phone.client.get("/api/sync/pull", query_string={"cursor": phone.cursor}, headers=phone.headers)
    assert answer.json["left"] == sorted([GRID, *feeds_above([GRID])])
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


def test_compacting_takes_old_visits_from_the_phone_but_none_that_is_returned(app, settings, phone, county):
    old, returned, recent = phone.visit(), phone.visit(), phone.visit()
    phone.push(*(phone.op("visit.submit", body) for body in (old, returned, recent)))
    with app.app_context(), transaction():
        supervisor = db.session.get_one(User, county.users["supervisor"])
        reviews.return_visit(
            supervisor, returned["visit_uuid"], 1, reason="请补充", notes={}, now=clock.now()
        )
        for body in (old, returned):
            visit = db.session.get_one(Visit, body["visit_uuid"])
            visit.finished_at = clock.now() - timedelta(days=31)
    phone.pull()
    command = {"data_dir": settings.data_dir, "database_url": settings.database_url}
    assert run_command("compact", **command).startswith("1 old visits taken from phones")
    visits = {uuid for kind, uuid in phone.pull() if kind == "visit"}
    assert visits == {returned["visit_uuid"], recent["visit_uuid"]}
    assert run_command("compact", **command).startswith("0 old visits")
    # What is sent again is known all the same.
    assert phone.push(phone.op("visit.submit", old))[0]["outcome"] == "duplicate"


def test_reading_from_the_start_ends_where_a_feed_was_compacted_beyond_its_first_page(
    app, phone, monkeypatch
):
    phone.push(*(phone.op("visit.submit", phone.visit()) for _ in range(6)))
    held = set(phone.pull())
    with app.app_context(), transaction():
        db.session.execute(update(Feed).values(compacted_to=Feed.number))
    monkeypatch.setattr(queries, "PAGE", 2)
    phone.cursor = None
    pages = [phone.pull_page()]
    while pages[-1]["more"]:
        assert len(pages) < 500, "it begins again and again"
        phone.cursor = pages[-1]["cursor"]
        pages.append(phone.pull_page())
    assert [page.get("from_start", False) for page in pages] == [True] + [False] * (len(pages) - 1)
    met = {
        (change["kind"], change["uuid"]) for page in pages for change in page["changes"] if change["record"]
    }
    assert held <= met
    # Read to its end, it is a cursor like any other.
    phone.cursor = pages[-1]["cursor"]
    assert phone.pull_page()["changes"] == []
    assert "began" not in phone.cursor


def test_reading_that_stopped_on_its_way_for_longer_than_what_is_gone_is_told_begins_again(
    app, phone, monkeypatch
):
    phone.push(*(phone.op("visit.submit", phone.visit()) for _ in range(6)))
    monkeypatch.setattr(queries, "PAGE", 2)
    phone.cursor = phone.pull_page()["cursor"]
    with app.app_context(), transaction():
        db.session.execute(update(Feed).values(compacted_to=Feed.number))
    real = clock.now()
    monkeypatch.setattr(clock, "now", lambda: real + timedelta(days=29))
    assert "from_start" not in phone.pull_page()
    monkeypatch.setattr(clock, "now", lambda: real + timedelta(days=31))
    assert phone.pull_page()["from_start"]


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
