"""Feedback: sent from a phone, read and answered by whom it concerns, back on the phone."""

from __future__ import annotations

import uuid

import pytest
from sqlalchemy import func, select

from fieldapp.core.audit import AuditEntry
from fieldapp.core.db import db
from fieldapp.feedback.models import Feedback
from fieldapp.notices.models import Notice
from fieldapp.sync.models import Operation
from tests.factories import Desk, Phone


def body(**more: object) -> dict[str, object]:
    words = {"feedback_uuid": str(uuid.uuid4()), "topic": "workload", "text": "一天走不完二十户"}
    return {**words, **more}


def send(phone: Phone, **more: object) -> str:
    sent = body(**more)
    assert phone.push(phone.op("feedback.send", sent))[0]["outcome"] == "accepted"
    return str(sent["feedback_uuid"])


def told(app, user_id: int, cause: str) -> int:
    with app.app_context():
        found = select(func.count()).where(
            Notice.user_id == user_id, Notice.cause == cause, Notice.read_at.is_(None)
        )
        return db.session.scalar(found) or 0


def test_the_same_feedback_sent_twice_is_one(app, phone):
    sent = body()
    op = phone.op("feedback.send", sent)
    assert [phone.push(op)[0]["outcome"] for _ in range(2)] == ["accepted", "duplicate"]
    # From a restored phone, under another number.
    assert phone.push(phone.op("feedback.send", sent))[0]["outcome"] in {"accepted", "duplicate"}
    changed = phone.push(phone.op("feedback.send", {**sent, "text": "另一句"}))[0]
    assert (changed["outcome"], changed["code"]) == ("conflict", "record_exists")
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Feedback)) == 1
        assert db.session.scalars(select(Feedback.text)).one() == sent["text"]


def test_answer_reaches_the_senders_phone_and_no_other(app, county, phone):
    feedback_uuid = send(phone)
    record = phone.pull()["feedback", feedback_uuid]
    assert (record["state"], record["answer"]) == ("sent", None)
    assert told(app, county.users["supervisor"], "feedback.sent") == 1
    desk = Desk(app)
    assert "一天走不完二十户" in desk.get("/feedback").text
    assert desk.post(f"/feedback/{feedback_uuid}/answer", answer="下周起调整网格").status_code == 303
    record = phone.pull()["feedback", feedback_uuid]
    assert (record["state"], record["answer"]) == ("answered", "下周起调整网格")
    assert record["answered_by"] == "测试supervisor"
    assert told(app, county.users["worker"], "feedback.answered") == 1
    # Nobody else need look at it any more.
    assert told(app, county.users["supervisor"], "feedback.sent") == 0
    assert not any(kind == "feedback" for kind, _ in Phone(app, county, "worker2").pull())
    assert "一天走不完二十户" not in desk.get("/feedback").text
    assert "一天走不完二十户" in desk.get("/feedback?view=answered").text
    with app.app_context():
        deeds = db.session.scalars(
            select(AuditEntry.action).where(AuditEntry.subject_kind == "feedback").order_by(AuditEntry.id)
        )
        assert list(deeds) == ["feedback.send", "feedback.answer"]


def test_not_solved_comes_once_more_with_what_was_said_before(app, county, phone):
    first = send(phone)
    desk = Desk(app)
    desk.post(f"/feedback/{first}/answer", answer="已经调整")
    second = send(phone, text="还是走不完", follows=first)
    records = phone.pull()
    assert records["feedback", first]["state"] == "reopened"
    assert records["feedback", second]["follows"] == first
    # Now the county is told as well.
    assert told(app, county.users["officer"], "feedback.sent") == 1
    page = desk.get(f"/feedback/{second}").text
    assert page.index("一天走不完二十户") < page.index("已经调整") < page.index("还是走不完")


def test_what_follows_somebody_elses_feedback_is_not_taken_in(app, county, phone):
    first = send(phone)
    other = Phone(app, county, "worker2")
    receipt = other.push(other.op("feedback.send", body(follows=first)))[0]
    assert (receipt["outcome"], receipt["code"]) == ("rejected", "not_yours")


READ = {"supervisor": 200, "officer": 200, "admin": 404, "stranger": 404, "stranger_officer": 404}


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({"topic": "workload"}, READ),
        ({"topic": "app"}, {**READ, "admin": 200}),
        ({"topic": "workload", "county_only": True}, {**READ, "supervisor": 404}),
        ({"topic": "app", "county_only": True}, {**READ, "supervisor": 404}),
    ],
)
@pytest.mark.parametrize("is_answered", [False, True])
def test_who_reads_and_who_answers(app, county, phone, sent, expected, is_answered):
    feedback_uuid = send(phone, text="只跟县里说", **sent)
    if is_answered:
        Desk(app, "officer").post(f"/feedback/{feedback_uuid}/answer", answer="知道了")
    for name, status in expected.items():
        desk = Desk(app, name)
        assert desk.get(f"/feedback/{feedback_uuid}").status_code == status, name
        pages = desk.get("/feedback").text + desk.get("/feedback?view=answered").text
        assert ("只跟县里说" in pages) is (status == 200), name
        if status == 404:
            assert told(app, county.users[name], "feedback.sent") == 0, name
            assert desk.post(f"/feedback/{feedback_uuid}/answer", answer="好").status_code == 404, name
    # Answered once is answered; what was typed meanwhile stays on the page.
    late = Desk(app, "officer").post(f"/feedback/{feedback_uuid}/answer", answer="晚了一步")
    assert late.status_code == (409 if is_answered else 303)


def test_answer_without_words_is_asked_for(app, phone):
    feedback_uuid = send(phone)
    answer = Desk(app).post(f"/feedback/{feedback_uuid}/answer", answer=" ")
    assert answer.status_code == 422
    assert phone.pull()["feedback", feedback_uuid]["state"] == "sent"


def test_county_hears_what_a_township_without_a_supervisor_would_not(app, county, phone):
    send(phone, county_only=True)
    assert told(app, county.users["officer"], "feedback.sent") == 1
    assert told(app, county.users["supervisor"], "feedback.sent") == 0
    assert told(app, county.users["admin"], "feedback.sent") == 0


def test_feedback_that_cannot_be_taken_in_is_shown_to_nobody_under_uploads(app, phone):
    receipt = phone.push(phone.op("feedback.send", body(county_only=True, text="只跟县里说", odd=1)))[0]
    assert receipt["outcome"] == "rejected"
    desk = Desk(app)
    with app.app_context():
        held = db.session.scalars(select(Operation).where(Operation.state == "rejected")).one()
        address = f"/quarantine/{held.user_id}/{held.op_uuid}/{held.body_hash}"
    page = desk.get(address)
    assert page.status_code == 200
    assert "只跟县里说" not in page.text + desk.get("/quarantine").text
    assert desk.post(f"{address}/take-in").status_code == 422


def test_text_is_not_readable_in_the_database(app, phone):
    send(phone)
    with app.app_context():
        stored = db.session.connection().exec_driver_sql("select text from feedback").scalar_one()
    assert "走不完" not in (stored if isinstance(stored, str) else bytes(stored).decode("latin-1"))
