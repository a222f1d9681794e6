"""Pushing: every operation is stored once, nothing is lost, and a receipt tells the truth."""

from __future__ import annotations

import json
import threading
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text

from fieldapp.core import clock
from fieldapp.core.audit import AuditEntry
from fieldapp.core.db import db, transaction
from fieldapp.people.models import Household
from fieldapp.reviews import actions as reviews
from fieldapp.reviews.models import Flag
from fieldapp.sync.models import Operation
from fieldapp.sync.rules import body_hash
from fieldapp.users.models import UserScope
from fieldapp.visits.models import Visit, VisitRevision
from tests.factories import OTHER_GRID, Phone, text_of


def count(app, model) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(model)) or 0


def test_visit_is_stored_word_for_word(app, phone):
    body = phone.visit({"reached": "reached", "home": {"food_days": "lt3"}, "unknown": "kept"})
    [receipt] = phone.push(phone.op("visit.submit", body))
    assert receipt["outcome"] == "accepted"
    assert receipt["rev"] > 0
    with app.app_context():
        revision = db.session.scalars(select(VisitRevision)).one()
        assert revision.answers == body["answers"]
        assert revision.visit.worker_id == phone.user_id
        entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "visit.submit")).one()
        assert (entry.actor_id, entry.subject_id) == (phone.user_id, body["visit_uuid"])
        assert revision.distance_m == 0


def test_same_visit_sent_twice_is_stored_once(app, phone):
    op = phone.op("visit.submit", phone.visit())
    assert phone.push(op)[0]["outcome"] == "accepted"
    assert phone.push(op)[0]["outcome"] == "duplicate"
    assert count(app, Visit) == 1


def test_same_visit_twice_in_one_push_is_stored_once(app, phone):
    op = phone.op("visit.submit", phone.visit())
    assert [receipt["outcome"] for receipt in phone.push(op, op)] == ["accepted", "duplicate"]
    assert count(app, Visit) == 1


def test_same_visit_under_a_new_operation_is_a_duplicate(app, phone):
    body = phone.visit()
    phone.push(phone.op("visit.submit", body))
    # Keys in another order are the same content.
    again = dict(reversed(body.items()))
    assert phone.push(phone.op("visit.submit", again))[0]["outcome"] == "duplicate"
    assert count(app, Visit) == 1


def test_other_content_under_a_known_visit_is_kept_as_a_conflict(app, phone):
    body = phone.visit()
    phone.push(phone.op("visit.submit", body))
    [receipt] = phone.push(phone.op("visit.submit", {**body, "method": "phone"}))
    assert (receipt["outcome"], receipt["code"]) == ("conflict", "visit_exists")
    with app.app_context():
        kept = db.session.scalars(select(Operation).where(Operation.state == "conflict")).one()
        assert kept.quarantine["body"]["method"] == "phone"


def test_other_content_under_a_known_operation_is_kept_as_a_conflict(app, phone):
    op = phone.op("visit.submit", phone.visit())
    phone.push(op)
    changed = {**op, "body": {**op["body"], "method": "phone"}}
    [receipt] = phone.push(changed)
    assert (receipt["outcome"], receipt["code"]) == ("conflict", "op_changed")
    # Both stay as they are when both are sent again.
    assert phone.push(op)[0]["outcome"] == "duplicate"
    assert phone.push(changed)[0]["outcome"] == "conflict"
    assert count(app, Operation) == 2


def test_one_bad_operation_among_ten_leaves_nine_stored(app, phone):
    ops = [phone.op("visit.submit", phone.visit()) for _ in range(10)]
    del ops[4]["body"]["outcome"]
    receipts = phone.push(*ops)
    assert [receipt["outcome"] for receipt in receipts] == ["accepted"] * 4 + ["rejected"] + ["accepted"] * 5
    assert receipts[4]["code"] == "body_invalid"
    assert receipts[4]["fields"] == {"outcome": "missing"}
    assert receipts[4]["message"]
    assert count(app, Visit) == 9
    with app.app_context():
        kept = db.session.scalars(select(Operation).where(Operation.state == "rejected")).one()
        assert kept.quarantine == ops[4]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"kind": "visit.dance"}, "kind_unknown"),
        ({"schema": 99}, "schema_unknown"),
        ({"schema": "one"}, "body_invalid"),
        ({"body": None}, "body_invalid"),
        ({"body": []}, "body_invalid"),
        ({"at": "yesterday"}, "body_invalid"),
        ({"seq": None}, "body_invalid"),
        ({"kind": ["visit.submit"]}, "body_invalid"),
        ({"kind": None}, "body_invalid"),
        ({"replaces": "nothing"}, "body_invalid"),
    ],
)
def test_envelope_that_cannot_be_applied_is_quarantined_whole(app, phone, change, code):
    bad = {**phone.op("visit.submit", phone.visit()), **change}
    good = phone.op("visit.submit", phone.visit())
    receipts = phone.push(bad, good)
    assert [receipt["outcome"] for receipt in receipts] == ["rejected", "accepted"]
    assert receipts[0]["code"] == code
    with app.app_context():
        kept = db.session.scalars(select(Operation).where(Operation.state == "rejected")).one()
        assert kept.quarantine == bad


@pytest.mark.parametrize(
    "change",
    [
        {"visit_uuid": "not-a-uuid"},
        {"people": "somebody"},
        {"location": {"lat": 200, "lon": 0, "accuracy_m": 5, "datum": "WGS84", "at": "2026-11-23T00:00:00Z"}},
        {"finished_at": "2026-11-23T09:00:00"},
        {"finished_at": "9999-12-31T23:59:59Z"},
        {"started_at": "0001-01-01T00:00:00+14:00"},
        {"attachments": [{"sha256": "0" * 64, "question": "photo", "size": 2**70}]},
        {"attachments": [{"sha256": "0" * 64, "question": "photo", "taken_at": "0001-01-01T00:00:00+14:00"}]},
        {"attachments": [{"sha256": "../../etc/passwd", "question": "photo"}]},
        {"answers": ["reached"]},
        {"answers": {"note": "a\u0000b"}},
        {"surprise": 1},
    ],
)
def test_body_that_cannot_be_read_is_quarantined_whole(app, phone, change):
    op = phone.op("visit.submit", phone.visit(**change))
    [receipt] = phone.push(op)
    assert (receipt["outcome"], receipt["code"]) == ("rejected", "body_invalid")
    assert receipt["fields"]
    with app.app_context():
        assert db.session.scalars(select(Operation)).one().quarantine == op


@pytest.mark.parametrize(
    "words", ["🙂 王桂兰", "\ud83d", "x" * 100_000, "<script>alert(1)</script>", "a\u2028b"]
)
def test_strange_text_in_an_answer_is_kept_as_it_is(app, phone, words):
    [receipt] = phone.push(phone.op("visit.submit", phone.visit({"reached": "reached", "photo_note": words})))
    assert receipt["outcome"] == "accepted"
    with app.app_context():
        kept = db.session.scalars(select(VisitRevision)).one().answers["photo_note"]
        assert kept == words.replace("\ud83d", "\ufffd")


def test_edit_of_a_rejected_operation_replaces_it(app, phone):
    body = phone.visit()
    bad = phone.op("visit.submit", {**body, "checklist": {"key": "routine", "version": "never"}})
    [receipt] = phone.push(bad)
    assert (receipt["outcome"], receipt["code"]) == ("rejected", "checklist_version_unknown")
    edited = phone.op("visit.submit", body, replaces=bad["op_uuid"])
    assert phone.push(edited)[0]["outcome"] == "accepted"
    # The first reads as settled when the phone asks again.
    assert phone.push(bad)[0]["outcome"] == "duplicate"


def test_revision_of_a_quarantined_visit_is_quarantined_with_it(phone):
    body = phone.visit(checklist={"key": "routine", "version": "never"})
    first = phone.op("visit.submit", body)
    later = phone.op("visit.revise", {**body, "checklist": {"key": "routine", "version": "1"}}, base=1)
    receipts = phone.push(first, later)
    assert [receipt["code"] for receipt in receipts] == ["checklist_version_unknown", "prerequisite_waiting"]


def test_operations_apply_in_the_phones_order_whatever_order_they_arrive_in(app, phone):
    body = phone.visit()
    submit = phone.op("visit.submit", body)
    revise = phone.op("visit.revise", {**body, "method": "phone"}, base=1)
    receipts = phone.push(revise, submit)
    assert [receipt["op_uuid"] for receipt in receipts] == [revise["op_uuid"], submit["op_uuid"]]
    assert [receipt["outcome"] for receipt in receipts] == ["accepted", "accepted"]
    with app.app_context():
        assert db.session.scalars(select(Visit)).one().revision == 2


def test_visit_to_a_grid_that_was_never_theirs_is_quarantined_and_reveals_nothing(app, phone, county):
    theirs = phone.op(
        "visit.submit",
        phone.visit(household_uuid=county.other_household_uuid, people=[county.other_person_uuid]),
    )
    nobodys = phone.op("visit.submit", phone.visit(household_uuid=str(uuid.uuid4()), people=[]))
    first, second = phone.push(theirs, nobodys)
    assert first["outcome"] == "rejected"
    assert {**first, "op_uuid": None} == {**second, "op_uuid": None}
    assert count(app, Visit) == 0
    with app.app_context():
        kept = db.session.get_one(Operation, (theirs["op_uuid"], phone.user_id, body_hash(theirs["body"])))
        assert kept.quarantine == theirs


def test_person_of_another_household_is_refused_like_one_that_does_not_exist(phone, county):
    first, second = phone.push(
        phone.op("visit.submit", phone.visit(people=[county.other_person_uuid])),
        phone.op("visit.submit", phone.visit(people=[str(uuid.uuid4())])),
    )
    assert {**first, "op_uuid": None} == {**second, "op_uuid": None}
    assert first["code"] == "not_yours"


def test_late_visit_to_a_grid_that_was_theirs_is_accepted_and_marked(app, phone, county):
    body = phone.visit()
    with app.app_context(), transaction():
        scope = db.session.scalars(select(UserScope).where(UserScope.user_id == phone.user_id)).one()
        scope.ends_at = clock.now()
    body["finished_at"] = text_of(clock.now() - timedelta(minutes=2))
    [receipt] = phone.push(phone.op("visit.submit", body))
    assert receipt["outcome"] == "accepted"
    with app.app_context():
        assert db.session.scalars(select(Visit)).one().out_of_scope
        assert "out_of_scope" in set(db.session.scalars(select(Flag.rule)))


def test_another_workers_operation_uuid_tells_nothing(app, phone, county):
    op = phone.op("visit.submit", phone.visit())
    phone.push(op)
    other = Phone(app, county, "worker2")
    [receipt] = other.push(op)
    assert (receipt["outcome"], receipt["code"]) == ("rejected", "not_yours")


def test_phone_clock_is_measured_and_corrected(app, phone):
    ahead = timedelta(hours=3)
    now = clock.now()
    body = phone.visit(
        started_at=text_of(now + ahead - timedelta(minutes=9)), finished_at=text_of(now + ahead)
    )
    phone.push(phone.op("visit.submit", body), sent_at=text_of(now + ahead))
    with app.app_context():
        visit = db.session.scalars(select(Visit)).one()
        assert abs((visit.finished_at - now).total_seconds()) < 30
        assert visit.revisions[0].finished_at - visit.finished_at > timedelta(hours=2.9)
        assert "clock_off" in set(db.session.scalars(select(Flag.rule)))


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"ops": []},
        {"device_uuid": "x", "sent_at": "2026-11-23T00:00:00Z", "ops": []},
        {"ops": [{"kind": "visit.submit"}]},
        {"ops": "many"},
    ],
)
def test_push_that_cannot_be_read_is_400_and_stores_nothing(app, phone, body):
    if isinstance(body, dict) and "ops" in body:
        body = {"device_uuid": phone.device_uuid, "sent_at": text_of(clock.now()), **body}
    if isinstance(body, dict) and body.get("ops") == [] and body["device_uuid"] == phone.device_uuid:
        assert phone.push() == []
        return
    answer = phone.client.post("/api/sync/push", json=body, headers=phone.headers)
    assert answer.status_code == 400
    assert answer.json["error"]["code"] == "bad_request"
    assert count(app, Operation) == 0


def test_deeply_nested_json_is_400(phone):
    answer = phone.client.post(
        "/api/sync/push", data="[" * 100_000, headers={**phone.headers, "Content-Type": "application/json"}
    )
    assert answer.status_code == 400


def test_more_than_a_hundred_operations_are_413(phone):
    ops = [phone.op("visit.submit", {}) for _ in range(101)]
    assert phone.push_raw(*ops).status_code == 413


def test_request_that_names_another_user_touches_nothing(app, phone, county):
    phone.headers["X-User-Id"] = str(county.users["worker2"])
    answer = phone.push_raw(phone.op("visit.submit", phone.visit()))
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "wrong_account")
    assert phone.client.get("/api/sync/pull", headers=phone.headers).status_code == 409
    assert count(app, Operation) == 0


def test_stale_csrf_token_is_told_apart(phone):
    phone.headers["X-CSRFToken"] = "stale"
    answer = phone.push_raw(phone.op("visit.submit", phone.visit()))
    assert (answer.status_code, answer.json["error"]["code"]) == (400, "csrf_stale")


@pytest.mark.parametrize("year", [1970, 2099])
def test_phone_that_believes_in_another_year_loses_nothing(app, phone, year):
    wrong = clock.now().replace(year=year)
    body = phone.visit(started_at=text_of(wrong - timedelta(minutes=9)), finished_at=text_of(wrong))
    assert phone.push(phone.op("visit.submit", body), sent_at=text_of(wrong))[0]["outcome"] == "accepted"
    with app.app_context():
        visit = db.session.scalars(select(Visit)).one()
        assert abs((visit.finished_at - clock.now()).total_seconds()) < 60


def test_visit_that_ends_after_its_arrival_counts_from_its_arrival(app, phone, county):
    later = clock.now() + timedelta(days=400)
    phone.push(phone.op("visit.submit", phone.visit(finished_at=text_of(later))))
    with app.app_context():
        person = db.session.get_one(Household, county.household_uuid).people[0]
        assert person.due_on == clock.local_date(clock.now()) + timedelta(days=7)
        assert "clock_off" in set(db.session.scalars(select(Flag.rule)))


def test_number_no_float_can_hold_is_kept_as_an_answer(phone):
    assert (
        phone.push(phone.op("visit.submit", phone.visit({"home": {"food_days": 10**400}})))[0]["outcome"]
        == "accepted"
    )


def test_body_nested_too_deep_to_compare_is_400(app, phone):
    op = phone.op("visit.submit", phone.visit({"x": "NESTED"}))
    request = {"device_uuid": phone.device_uuid, "sent_at": text_of(clock.now()), "ops": [op]}
    text = json.dumps(request).replace('"NESTED"', "[" * 970 + "]" * 970)
    headers = {**phone.headers, "Content-Type": "application/json"}
    answer = phone.client.post("/api/sync/push", data=text, headers=headers)
    assert answer.status_code == 400
    assert count(app, Operation) == 0


def test_log_of_a_database_error_holds_no_value_of_the_record(app, phone, caplog, monkeypatch):
    secret = "".join(reversed("家急需帮助"))

    def refuse(*_args: object) -> None:
        db.session.execute(text("INSERT INTO nowhere VALUES (:answer)"), {"answer": secret})

    monkeypatch.setattr(reviews, "receive_visit", refuse)
    phone.push(phone.op("visit.submit", phone.visit()))
    assert "nowhere" in caplog.text
    assert secret not in caplog.text


def test_correction_that_reached_nobody_takes_back_the_contact(app, phone, county):
    body = phone.visit({"reached": "reached", "basics": {"utilities": "ok"}})
    phone.push(phone.op("visit.submit", body))
    wrong = {**body, "outcome": "not_reached", "answers": {"reached": "not_reached"}}
    phone.push(phone.op("visit.revise", wrong, base=1))
    with app.app_context():
        household = db.session.get_one(Household, county.household_uuid)
        assert (household.last_visit_on, household.carry) == (None, None)
        assert household.people[0].last_contact_at is None
        assert household.people[0].due_on == clock.local_date(clock.now())


def test_older_visit_arriving_late_does_not_turn_the_last_contact_back(app, phone, county):
    now = clock.now()
    old = phone.visit({"reached": "reached", "basics": {"utilities": "no_water"}})
    old |= {"started_at": text_of(now - timedelta(days=3)), "finished_at": text_of(now - timedelta(days=3))}
    phone.push(phone.op("visit.submit", phone.visit({"reached": "reached", "basics": {"utilities": "ok"}})))
    phone.push(phone.op("visit.submit", old))
    with app.app_context():
        household = db.session.get_one(Household, county.household_uuid)
        assert household.last_visit_on == clock.local_date(now - timedelta(minutes=1))
        assert household.carry["answers"]["basics"] == {"utilities": "ok"}
        assert now - household.people[0].last_contact_at < timedelta(minutes=5)


def test_fault_of_ours_in_one_operation_asks_for_a_retry_and_stores_the_others(app, phone, monkeypatch):
    real = reviews.receive_visit
    broken = phone.op("visit.submit", phone.visit(method="video"))

    def trip(actor, body, envelope, now):
        if body.method == "video":
            raise ZeroDivisionError
        return real(actor, body, envelope, now)

    monkeypatch.setattr(reviews, "receive_visit", trip)
    receipts = phone.push(broken, phone.op("visit.submit", phone.visit()))
    assert [receipt["outcome"] for receipt in receipts] == ["retry", "accepted"]
    monkeypatch.undo()
    assert phone.push(broken)[0]["outcome"] == "accepted"
    assert count(app, Visit) == 2


def test_same_operation_pushed_by_many_threads_is_stored_once(app, phone):
    op = phone.op("visit.submit", phone.visit())
    outcomes: list[str] = []
    gate = threading.Barrier(6)

    def send() -> None:
        client = app.test_client()
        client.set_cookie("fieldapp", phone.client.get_cookie("fieldapp").value)
        body = {"device_uuid": phone.device_uuid, "sent_at": text_of(clock.now()), "ops": [op]}
        gate.wait()
        answer = client.post("/api/sync/push", json=body, headers=phone.headers)
        outcomes.append(answer.json["receipts"][0]["outcome"])

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["accepted", *["duplicate"] * 5]
    assert count(app, Visit) == 1
    assert count(app, VisitRevision) == 1


def test_attempt_that_reached_nobody_does_not_reset_the_due_date(app, phone, county):
    phone.push(phone.op("visit.submit", phone.visit({"reached": "not_reached"}, outcome="not_reached")))
    with app.app_context():
        household = db.session.get_one(Household, county.household_uuid)
        assert household.last_visit_on is None
    phone.push(phone.op("visit.submit", phone.visit()))
    with app.app_context():
        household = db.session.get_one(Household, county.household_uuid)
        seen, not_seen = household.people
        assert seen.due_on == clock.local_date(clock.now()) + timedelta(days=7)
        assert not_seen.last_contact_at is None
        assert household.grid_code != OTHER_GRID
