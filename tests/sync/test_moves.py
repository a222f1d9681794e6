"""Households that change hands: whose visits count where, and what each phone and the desk see of it."""

from __future__ import annotations

import hashlib
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import select

from fieldapp.core import clock
from fieldapp.core.audit import AuditEntry
from fieldapp.core.db import db, transaction
from fieldapp.core.errors import AppError
from fieldapp.followups import actions as followups
from fieldapp.followups.models import Followup
from fieldapp.people.models import Household
from fieldapp.reviews import actions as reviews
from fieldapp.reviews.models import Flag
from fieldapp.sync.models import Operation
from fieldapp.users.models import User, UserScope
from fieldapp.visits.models import Visit
from tests.factories import GRID, OTHER_GRID, Desk, Phone, draw_photo, text_of

HOUR = timedelta(hours=1)


def move(app, county, grid: str = OTHER_GRID, *, hours_ago: float = 0, actor: str = "supervisor") -> None:
    with app.app_context(), transaction():
        reviews.move_household(
            db.session.get_one(User, county.users[actor]),
            county.household_uuid,
            grid,
            now=clock.now() - hours_ago * HOUR,
        )


def give_grid(app, user_id: int, grid: str) -> None:
    with app.app_context(), transaction():
        since = clock.now() - timedelta(days=30)
        db.session.add(UserScope(user_id=user_id, area_code=grid, starts_at=since))


def visit_at(phone: Phone, hours_ago: float, **more):
    at = clock.now() - hours_ago * HOUR
    return phone.visit(started_at=text_of(at - timedelta(minutes=5)), finished_at=text_of(at), **more)


# Hours ago: the moves, then the visit. Whose visit, with which other grid; then where it counts and whether marked.
CASES = {
    "before, by whose grid it was": ([(OTHER_GRID, 5)], 6, "worker", None, (GRID, True)),
    "after, by whose grid it was": ([(OTHER_GRID, 5)], 4, "worker", None, None),
    "before, by whose grid it is": ([(OTHER_GRID, 5)], 6, "worker2", None, None),
    "after, by whose grid it is": ([(OTHER_GRID, 5)], 4, "worker2", None, (OTHER_GRID, False)),
    "before, by a worker of both": ([(OTHER_GRID, 5)], 6, "worker", OTHER_GRID, (GRID, False)),
    "after, by a worker of both": ([(OTHER_GRID, 5)], 4, "worker", OTHER_GRID, (OTHER_GRID, False)),
    "there and back, before": ([(OTHER_GRID, 5), (GRID, 3)], 6, "worker", None, (GRID, False)),
    "there and back, between": ([(OTHER_GRID, 5), (GRID, 3)], 4, "worker", None, None),
    "there and back, between, by the other": (
        [(OTHER_GRID, 5), (GRID, 3)],
        4,
        "worker2",
        None,
        (OTHER_GRID, True),
    ),
    "there and back, after": ([(OTHER_GRID, 5), (GRID, 3)], 2, "worker", None, (GRID, False)),
    "never moved": ([], 2, "worker", None, (GRID, False)),
}


@pytest.mark.parametrize(("moves", "visited", "who", "also", "counts"), CASES.values(), ids=CASES)
def test_a_visit_counts_in_the_grid_of_its_time(app, county, moves, visited, who, also, counts):
    phone = Phone(app, county, who)
    if also:
        give_grid(app, phone.user_id, also)
    for grid, hours_ago in moves:
        move(app, county, grid, hours_ago=hours_ago)
    op = phone.op("visit.submit", visit_at(phone, visited))
    nobodys = phone.op("visit.submit", visit_at(phone, visited, household_uuid=str(uuid.uuid4()), people=[]))
    receipt, unknown = phone.push(op, nobodys)
    with app.app_context():
        visit = db.session.get(Visit, op["body"]["visit_uuid"])
        if counts is None:
            assert {**receipt, "op_uuid": None} == {**unknown, "op_uuid": None}
            assert (receipt["outcome"], receipt["code"], visit) == ("rejected", "not_yours", None)
            kept = db.session.scalars(select(Operation).where(Operation.op_uuid == op["op_uuid"])).one()
            assert kept.quarantine == op
        else:
            assert receipt["outcome"] == "accepted"
            assert (visit.area_code, visit.out_of_scope) == counts
            rules = set(db.session.scalars(select(Flag.rule)))
            assert ("out_of_scope" in rules) == counts[1]


def test_the_phones_clock_is_corrected_before_the_grid_is_looked_up(app, phone, county):
    move(app, county, hours_ago=5)
    ahead = 3 * HOUR
    body = visit_at(phone, 6 - 3)  # what the phone believes; it was six hours ago
    assert phone.push(phone.op("visit.submit", body), sent_at=text_of(clock.now() + ahead))[0]["outcome"] == (
        "accepted"
    )


def test_a_late_visit_when_both_grid_and_household_have_changed_hands(app, phone, county):
    body = visit_at(phone, 6)
    move(app, county, hours_ago=5)
    with app.app_context(), transaction():
        scope = db.session.scalars(select(UserScope).where(UserScope.user_id == phone.user_id)).one()
        scope.ends_at = clock.now() - HOUR
    assert phone.push(phone.op("visit.submit", body))[0]["outcome"] == "accepted"
    with app.app_context():
        visit = db.session.scalars(select(Visit)).one()
        assert (visit.area_code, visit.out_of_scope) == (GRID, True)
        # What was seen counts for whoever goes there next.
        assert db.session.get_one(Household, county.household_uuid).last_visit_on is not None


def test_the_household_goes_from_one_phone_to_the_other(app, phone, county):
    other = Phone(app, county, "worker2")
    keys = {("household", county.household_uuid), *(("person", uuid) for uuid in county.person_uuids)}
    assert keys <= set(phone.pull())
    assert not keys & set(other.pull())
    move(app, county)
    page = phone.pull_page()
    assert {(change["kind"], change["uuid"]) for change in page["changes"] if change["gone"]} == keys
    assert not keys & set(phone.pull())
    assert keys <= set(other.pull())


def test_a_worker_of_both_grids_keeps_the_household(app, phone, county):
    give_grid(app, phone.user_id, OTHER_GRID)
    phone.pull()
    move(app, county)
    assert phone.pull()["household", county.household_uuid]["grid_code"] == OTHER_GRID
    move(app, county, GRID)
    assert phone.pull()["household", county.household_uuid]["grid_code"] == GRID


def test_moving_to_where_it_is_changes_nothing(app, phone, county):
    phone.pull()
    move(app, county, GRID)
    assert phone.pull_page()["changes"] == []
    with app.app_context():
        assert db.session.scalar(select(AuditEntry).where(AuditEntry.action == "household.move")) is None


@pytest.mark.parametrize(
    ("actor", "grid"),
    [("stranger", OTHER_GRID), ("supervisor", "230183101001001"), ("supervisor", OTHER_GRID[:12])],
)
def test_only_within_ones_own_areas_and_to_a_grid(app, county, actor, grid):
    with pytest.raises(AppError, match="not_found"):
        move(app, county, grid, actor=actor)


# --- a returned visit ----------------------------------------------------------------------------------------------


def return_visit(app, county, visit_uuid: str) -> None:
    with app.app_context(), transaction():
        supervisor = db.session.get_one(User, county.users["supervisor"])
        reviews.return_visit(supervisor, visit_uuid, 1, reason="请补充", notes={}, now=clock.now())


def test_a_returned_visit_reaches_its_worker_on_a_new_phone_whatever_they_hold_now(app, phone, county):
    photo = draw_photo()
    sha256 = phone.put_photo(photo).json["sha256"]
    body = phone.visit(attachments=[{"sha256": sha256, "question": "photo", "size": len(photo)}])
    phone.push(phone.op("visit.submit", body))
    move(app, county)
    with app.app_context(), transaction():
        scope = db.session.scalars(select(UserScope).where(UserScope.user_id == phone.user_id)).one()
        scope.ends_at = clock.now()
    return_visit(app, county, body["visit_uuid"])
    new_phone = Phone(app, county)
    records = new_phone.pull()
    assert not {"household", "person"} & {kind for kind, _ in records}
    record = records["visit", body["visit_uuid"]]
    assert record["answers"] == body["answers"]
    # What the checklist asks about comes with it, and so does the checklist.
    assert record["household"]["name"] == "刘玉珍"
    assert {member["person_uuid"] for member in record["members"]} == set(county.person_uuids)
    assert ("checklist", "routine/1") in records
    assert new_phone.client.get(f"/api/attachments/{sha256}").data == photo
    # Corrected from there, it is accepted: the visit was theirs, and so is the correction.
    again = new_phone.op("visit.revise", {**body, "answers": {"reached": "reached", "n": 1}}, base=1)
    assert new_phone.push(again)[0]["outcome"] == "accepted"
    record = new_phone.pull()["visit", body["visit_uuid"]]
    assert (record["state"], record["household"], record["members"]) == ("submitted", None, [])


def test_nobody_elses_phone_learns_of_a_visit(app, phone, county):
    phone.push(phone.op("visit.submit", phone.visit()))
    move(app, county)
    other = Phone(app, county, "worker2")
    assert "visit" not in {kind for kind, _ in other.pull()}
    assert "visit" not in {kind for kind, _ in other.held}


def test_an_arriving_photo_touches_the_visit_in_its_workers_feed(app, phone, county):
    photo = draw_photo()
    sha256 = hashlib.sha256(photo).hexdigest()
    body = phone.visit(attachments=[{"sha256": sha256, "question": "photo"}])
    [receipt] = phone.push(phone.op("visit.submit", body))
    phone.pull()
    assert phone.held["visit", body["visit_uuid"]] == (f"u{phone.user_id}", receipt["rev"])
    phone.put_photo(photo)
    [change] = phone.pull_page()["changes"]
    assert (change["feed"], change["uuid"]) == (f"u{phone.user_id}", body["visit_uuid"])
    assert change["record"]["photos_received"] == 1
    # The receipt says under which number it is now.
    assert phone.push(phone.op("visit.submit", body))[0]["rev"] == change["rev"]


# --- follow-ups ----------------------------------------------------------------------------------------------------


def hand_out(app, county, assignee: str, type_: str = "heating") -> str:
    with app.app_context(), transaction():
        return followups.create_followup(
            db.session.get_one(User, county.users["supervisor"]),
            household_uuid=county.household_uuid,
            person_uuid=None,
            visit_uuid=None,
            type=type_,
            severity="orange",
            reason_text="取暖煤送到没有?",
            assignee_id=county.users[assignee],
            due_at=clock.now() + HOUR,
            instructions=None,
            now=clock.now(),
        ).followup_id


def task_of(app, followup_id: str) -> Followup:
    with app.app_context():
        return db.session.get_one(Followup, followup_id)


def report(phone: Phone, followup_id: str):
    now = text_of(clock.now())
    return phone.op(
        "followup.report",
        {
            "followup_id": followup_id,
            "checklist": {"key": "followup_result", "version": "1"},
            "started_at": now,
            "finished_at": now,
            "answers": {"done": "yes"},
        },
    )


def test_an_open_task_goes_to_the_new_grids_worker(app, phone, county):
    other = Phone(app, county, "worker2")
    followup_id = hand_out(app, county, "worker")
    assert ("followup", followup_id) in phone.pull()
    other.pull()
    move(app, county)
    assert ("followup", followup_id) not in phone.pull()
    assert ("followup", followup_id) not in phone.held
    assert other.pull()["followup", followup_id]["state"] == "open"
    assert task_of(app, followup_id).assignee_id == other.user_id


def test_an_open_task_waits_for_the_supervisor_where_nobody_works(app, phone, county):
    with app.app_context(), transaction():
        db.session.get_one(User, county.users["worker2"]).ended_at = clock.now()
    followup_id = hand_out(app, county, "worker")
    move(app, county)
    assert task_of(app, followup_id).assignee_id is None
    page = Desk(app).get("/followups").text
    assert followup_id in page


def test_an_open_task_stays_with_whoever_works_in_both(app, phone, county):
    give_grid(app, phone.user_id, OTHER_GRID)
    own, desks = hand_out(app, county, "worker"), hand_out(app, county, "supervisor", "medical")
    move(app, county)
    assert task_of(app, own).assignee_id == phone.user_id
    assert task_of(app, desks).assignee_id == county.users["supervisor"]
    assert ("followup", own) in phone.pull()


def test_a_reported_task_is_checked_in_the_new_grid_and_reopened_there(app, phone, county):
    other = Phone(app, county, "worker2")
    followup_id = hand_out(app, county, "worker")
    assert phone.push(report(phone, followup_id))[0]["outcome"] == "accepted"
    move(app, county)
    task = task_of(app, followup_id)
    assert (task.state, task.area_code, task.assignee_id) == ("done", OTHER_GRID, phone.user_id)
    with app.app_context(), transaction():
        supervisor = db.session.get_one(User, county.users["supervisor"])
        followups.reopen_followup(supervisor, followup_id, reason="请再看看", now=clock.now())
    assert other.pull()["followup", followup_id]["sent_back"]["reason"] == "请再看看"


def test_a_closed_task_stays_where_it_was_and_is_on_no_phone(app, phone, county):
    followup_id = hand_out(app, county, "worker")
    phone.push(report(phone, followup_id))
    with app.app_context(), transaction():
        supervisor = db.session.get_one(User, county.users["supervisor"])
        followups.verify_followup(supervisor, followup_id, now=clock.now())
    phone.pull()
    assert ("followup", followup_id) not in phone.held
    move(app, county)
    assert task_of(app, followup_id).area_code == GRID


def test_what_a_late_visit_leads_to_is_done_where_the_household_is_now(app, phone, county):
    other = Phone(app, county, "worker2")
    body = visit_at(phone, 6, answers={"reached": "reached", "home": {"food_days": "lt3"}})
    move(app, county, hours_ago=5)
    assert phone.push(phone.op("visit.submit", body))[0]["outcome"] == "accepted"
    with app.app_context():
        task = db.session.scalars(select(Followup)).one()
        assert (task.area_code, task.visit_uuid) == (OTHER_GRID, body["visit_uuid"])
        assert task.assignee_id != phone.user_id
    other.pull()


# --- the desk ------------------------------------------------------------------------------------------------------


def test_a_supervisor_moves_a_household_after_seeing_what_it_means(app, county):
    desk = Desk(app)
    hand_out(app, county, "worker")
    path = f"/households/{county.household_uuid}"
    assert f"{path}/move" in desk.get(path).text
    page = desk.get(f"{path}/move").text
    assert f'value="{OTHER_GRID}"' in page
    assert f'value="{GRID}"' not in page
    page = desk.get(f"{path}/move?move_to={OTHER_GRID}").text
    assert "测试worker2" in page
    assert "刘玉珍" in page
    answer = desk.post(f"{path}/move", grid=OTHER_GRID)
    assert (answer.status_code, answer.location) == (303, path)
    assert "第2网格" in desk.get(path).text
    with app.app_context():
        assert db.session.get_one(Household, county.household_uuid).grid_code == OTHER_GRID
        entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "household.move")).one()
        assert (entry.actor_id, entry.values) == (
            county.users["supervisor"],
            {"before": GRID, "after": OTHER_GRID},
        )


def test_who_may_not_move_a_household_is_not_offered_it(app, county):
    path = f"/households/{county.household_uuid}"
    assert f"{path}/move" not in Desk(app, "leader").get(path).text


def test_an_officer_goes_down_to_the_grid_step_by_step(app, county):
    desk, path = Desk(app, "officer"), f"/households/{county.household_uuid}"
    assert f'<option value="{GRID[:9]}">' in desk.get(f"{path}/move").text
    assert f'<option value="{OTHER_GRID}">' in desk.get(f"{path}/move?move_to={GRID[:9]}").text
    assert "测试worker2" in desk.get(f"{path}/move?move_to={OTHER_GRID}").text
    assert desk.post(f"{path}/move", grid=OTHER_GRID).location == path


@pytest.mark.parametrize("grid", ["", "230183101001001", "nonsense", GRID[:9]])
def test_a_grid_that_is_none_of_theirs_is_not_found(app, county, grid):
    desk = Desk(app)
    assert "<form" in desk.get(f"/households/{county.household_uuid}/move?move_to={grid}").text
    assert desk.post(f"/households/{county.household_uuid}/move", grid=grid).status_code == 404
