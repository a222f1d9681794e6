"""Relief asked for from a phone: applied once, kept whole when it cannot be, and its state on the phone of whoever asked."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from sqlalchemy import select

from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.notices.models import Notice
from fieldapp.relief.models import ReliefCase
from fieldapp.sync.models import Operation
from tests.factories import Desk, Phone, text_of
from tests.followups.test_pages import words_of


def asked(county, **more) -> dict[str, object]:
    return {
        "case_id": str(uuid.uuid4()),
        "household_uuid": county.household_uuid,
        "visit_uuid": None,
        "what_happened": "房子漏雨",
        "asked_for": "修房的钱",
        "is_urgent": False,
        **more,
    }


def cases(app) -> list[ReliefCase]:
    with app.app_context():
        return list(db.session.scalars(select(ReliefCase)))


def test_request_becomes_a_case_of_its_visit_and_the_township_is_told(app, county, phone):
    visit = phone.visit()
    body = asked(county, visit_uuid=visit["visit_uuid"], is_urgent=True)
    # The request may be on its way before its visit.
    assert phone.push(phone.op("relief.request", body))[0]["outcome"] == "accepted"
    desk = Desk(app)
    assert "尚未上传的走访" in words_of(desk.get(f"/relief/{body['case_id']}"))
    phone.push(phone.op("visit.submit", visit))
    page = desk.get(f"/relief/{body['case_id']}")
    assert f"/reviews/{visit['visit_uuid']}" in page.text
    [case] = cases(app)
    assert (case.channel, case.state, case.handler_id, case.people_count) == ("visit", "applied", None, 2)
    assert case.due_at == case.applied_at + timedelta(hours=24)
    with app.app_context():
        told = set(db.session.scalars(select(Notice.user_id).where(Notice.cause == "relief.opened")))
        # Urgent: whoever decides at once is told, too.
        assert told == {county.users["supervisor"], county.users["leader"]}


def test_request_sent_again_is_the_same_case(app, county, phone):
    op = phone.op("relief.request", asked(county))
    assert [phone.push(op)[0]["outcome"] for _ in range(2)] == ["accepted", "duplicate"]
    # Under another number, too.
    assert phone.push(phone.op("relief.request", op["body"]))[0]["outcome"] == "accepted"
    assert len(cases(app)) == 1


@pytest.mark.parametrize(
    "other",
    [{"what_happened": "别的事"}, {"asked_for": ""}, {"is_urgent": True}, {"household_uuid": "other"}],
)
def test_same_case_with_another_content_is_a_conflict_and_kept(app, county, phone, other):
    body = asked(county)
    phone.push(phone.op("relief.request", body))
    if "household_uuid" in other:
        other = {"household_uuid": county.other_household_uuid}
    receipt = phone.push(phone.op("relief.request", {**body, **other}))[0]
    assert (receipt["outcome"], receipt["code"]) == ("conflict", "record_exists")
    [case] = cases(app)
    assert (case.what_happened, case.is_urgent) == ("房子漏雨", False)
    with app.app_context():
        kept = db.session.scalars(select(Operation).where(Operation.state == "conflict")).one()
        assert kept.quarantine["body"]["case_id"] == body["case_id"]


def test_case_of_somebody_else_is_neither_changed_nor_confirmed(app, county, phone):
    body = asked(county)
    phone.push(phone.op("relief.request", body))
    other = Phone(app, county, "worker2")
    receipt = other.push(other.op("relief.request", body))[0]
    assert (receipt["outcome"], receipt["code"]) == ("rejected", "not_yours")


@pytest.mark.parametrize(
    "wrong",
    [
        {"household_uuid": "other"},
        {"household_uuid": str(uuid.UUID(int=7))},
        {"what_happened": "  "},
        {"what_happened": "长" * 1001},
        {"is_urgent": "maybe"},
        {"case_id": "none"},
        {"amount": 500},
    ],
)
def test_what_cannot_be_applied_is_kept_whole(app, county, phone, wrong):
    body = {**asked(county), **wrong}
    if wrong.get("household_uuid") == "other":
        body["household_uuid"] = county.other_household_uuid
    op = phone.op("relief.request", body)
    receipt = phone.push(op)[0]
    assert receipt["outcome"] == "rejected"
    # The receipt does not say whether there is such a household.
    assert receipt["code"] in {"not_yours", "body_invalid"}
    assert cases(app) == []
    with app.app_context():
        assert db.session.scalars(select(Operation)).one().quarantine["body"] == body


def test_household_that_was_the_workers_when_it_was_asked_for_is_enough(app, county, phone):
    op = phone.op("relief.request", asked(county), at=text_of(clock.now() - timedelta(hours=5)))
    supervisor = Desk(app)
    with app.app_context():
        moved = supervisor.post(f"/households/{county.household_uuid}/move", grid="230183100056001")
    assert moved.status_code == 303
    assert phone.push(op)[0]["outcome"] == "accepted"
    # It is where the household is now.
    assert cases(app)[0].area_code == "230183100056001"


def test_what_waits_for_its_household_is_applied_with_it(app, county, phone):
    household = str(uuid.uuid4())
    op = phone.op("relief.request", asked(county, household_uuid=household))
    assert phone.push(op)[0]["outcome"] == "rejected"
    register = {
        "household_uuid": household,
        "grid_code": "230183100055001",
        "name": "新来户",
        "address": "村东头",
        "found_at": text_of(clock.now()),
        "people": [{"person_uuid": str(uuid.uuid4()), "name": "赵新"}],
    }
    receipt = phone.push(phone.op("household.register", register))[0]
    assert receipt["outcome"] == "accepted", receipt
    assert [case.household_uuid for case in cases(app)] == [household]


def test_desk_takes_in_what_could_not_be_placed(app, county, phone):
    other = Phone(app, county, "worker2")
    op = other.op("relief.request", asked(county))
    assert other.push(op)[0]["code"] == "not_yours"
    desk = Desk(app)
    with app.app_context():
        operation = db.session.scalars(select(Operation).where(Operation.op_uuid == op["op_uuid"])).one()
        path = f"/quarantine/{operation.user_id}/{operation.op_uuid}/{operation.body_hash}"
    page = words_of(desk.get(path))
    assert "房子漏雨" in page
    assert "修房的钱" in page
    assert desk.post(f"{path}/take-in").status_code == 303
    [case] = cases(app)
    assert (case.entered_by_id, case.household_uuid) == (county.users["worker2"], county.household_uuid)


def test_worker_sees_the_state_of_what_they_asked_for_and_of_nobody_elses(app, county, phone, office):
    body = asked(county)
    phone.push(phone.op("relief.request", body))
    key = ("relief", body["case_id"])
    assert phone.pull()[key]["state"] == "applied"
    with app.app_context(), transaction():
        office.take(body["case_id"], "accept", "refuse")
    record = phone.pull()[key]
    assert (record["state"], record["reason"]) == ("refused", "不符合条件")
    with app.app_context():
        causes = db.session.scalars(select(Notice.cause).where(Notice.user_id == phone.user_id)).all()
        assert causes == ["relief.decided"]
    with app.app_context(), transaction():
        office.open()
    assert [kind for kind, _ in phone.pull()].count("relief") == 1
    assert not any(kind == "relief" for kind, _ in Phone(app, county, "worker2").pull())
