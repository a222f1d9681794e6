"""The code with which a worker opens a phone whose PIN is forgotten: good once, for half an hour, for five guesses."""

from __future__ import annotations

import base64
import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from fieldapp.core import clock
from fieldapp.core.audit import AuditEntry
from fieldapp.core.db import db, transaction
from fieldapp.core.errors import AppError
from fieldapp.users import actions
from fieldapp.users.models import PinCode, User
from tests.factories import Phone
from tests.phone_key import DATA_KEY, seal_key


def make_code(app, county, maker="supervisor", worker="worker", now=None) -> str:
    with app.app_context(), transaction():
        actor = db.session.get_one(User, county.users[maker])
        return actions.make_pin_code(actor, county.users[worker], now or clock.now())[0]


def wrong(code) -> str:
    return f"{(int(code) + 1) % 10**8:08}"


def ask(phone, code, sealed="nothing sealed"):
    return phone.client.post("/api/session/key", json={"sealed": sealed, "code": code}, headers=phone.headers)


def refusal(answer) -> tuple[int, str]:
    return answer.status_code, answer.json["error"]["code"]


def audited(app) -> list[tuple[str, str, str]]:
    """Action, who and about whom, of everything about codes and keys."""
    with app.app_context():
        entries = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
        return [
            (item.action, item.actor_name, item.subject_id)
            for item in entries
            if item.action.startswith(("pin_code.", "phone_key."))
        ]


@pytest.fixture
def sealed(phone) -> str:
    """The phone's data key as the phone's own code sealed it to this installation."""
    return seal_key(phone.client.get("/api/session").json["public_key"], phone.user_id)


def test_code_opens_the_key_once(app, county, phone, sealed):
    code = make_code(app, county)
    assert len(code) == 8
    assert code.isdigit()
    answer = ask(phone, code, sealed)
    assert (answer.status_code, base64.b64decode(answer.json["key"])) == (200, DATA_KEY)
    assert answer.headers["Cache-Control"] == "no-store"
    assert refusal(ask(phone, code, sealed)) == (422, "pin_code_wrong")
    worker = str(phone.user_id)
    assert audited(app) == [
        ("pin_code.make", "supervisor", worker),
        ("pin_code.use", "worker", worker),
        ("phone_key.open", "worker", worker),
    ]


def test_code_is_not_stored_readably(app, county, phone):
    code = make_code(app, county)
    with app.app_context():
        kept = db.session.scalars(select(PinCode)).one()
        assert code not in str(kept.__dict__)
        values = db.session.scalars(select(AuditEntry.values)).all()
        assert code not in str(values)


def test_no_code_a_wrong_one_and_an_old_one_look_the_same(app, county, phone, sealed):
    answers = [ask(phone, "12345678", sealed)]
    code = make_code(app, county)
    answers.append(ask(phone, wrong(code), sealed))
    old = make_code(app, county, now=clock.now() - timedelta(minutes=31))
    answers.append(ask(phone, old, sealed))
    assert {answer.text for answer in answers} == {answers[0].text}
    assert refusal(answers[0]) == (422, "pin_code_wrong")
    assert answers[0].json["error"]["message"]


def test_code_is_good_for_half_an_hour(app, county, phone, sealed):
    code = make_code(app, county, now=clock.now() - timedelta(minutes=29, seconds=30))
    assert ask(phone, code, sealed).status_code == 200


def test_new_code_takes_the_place_of_the_one_before_and_its_wrong_guesses(app, county, phone, sealed):
    first = make_code(app, county)
    for _ in range(5):
        ask(phone, wrong(first), sealed)
    second = make_code(app, county)
    assert refusal(ask(phone, first, sealed)) == (422, "pin_code_wrong")
    assert ask(phone, second, sealed).status_code == 200


def test_five_wrong_guesses_void_the_code_and_are_audited(app, county, phone, sealed):
    code = make_code(app, county)
    for _ in range(4):
        ask(phone, wrong(code), sealed)
    assert ask(phone, code, sealed).status_code == 200
    code = make_code(app, county)
    for _ in range(7):
        assert refusal(ask(phone, wrong(code), sealed)) == (422, "pin_code_wrong")
    assert refusal(ask(phone, code, sealed)) == (422, "pin_code_wrong")
    refused = [who for action, who, _ in audited(app) if action == "pin_code.refuse"]
    assert refused == ["worker"] * (4 + 5)


def test_guesses_at_the_same_time_are_five_in_all(app, county, phone, sealed):
    code = make_code(app, county)
    gate = threading.Barrier(12)
    looked: list[str] = []

    def guess() -> None:
        with app.app_context():
            worker = db.session.get_one(User, phone.user_id)
            gate.wait()
            try:
                actions.open_phone_key(worker, sealed, wrong(code), clock.now())
            except AppError as error:
                looked.append(error.code)

    threads = [threading.Thread(target=guess) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert looked == ["pin_code_wrong"] * 12
    assert len([entry for entry in audited(app) if entry[0] == "pin_code.refuse"]) == 5
    with app.app_context():
        assert db.session.scalars(select(PinCode.failures)).one() == 5
    assert refusal(ask(phone, code, sealed)) == (422, "pin_code_wrong")


def test_code_used_twice_at_the_same_time_opens_once(app, county, phone, sealed):
    code = make_code(app, county)
    gate = threading.Barrier(6)
    opened: list[object] = []

    def use() -> None:
        with app.app_context():
            worker = db.session.get_one(User, phone.user_id)
            gate.wait()
            try:
                opened.append(actions.open_phone_key(worker, sealed, code, clock.now()))
            except AppError as error:
                opened.append(error.code)

    threads = [threading.Thread(target=use) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, opened)) == sorted(map(str, [DATA_KEY] + ["pin_code_wrong"] * 5))


def test_key_that_does_not_open_leaves_the_code_good(app, county, phone, sealed):
    code = make_code(app, county)
    other = seal_key(phone.client.get("/api/session").json["public_key"], county.users["worker2"])
    for damaged in ("nothing sealed", sealed[:-8], other):
        assert refusal(ask(phone, code, damaged)) == (422, "phone_key_unreadable")
    assert ask(phone, code, sealed).status_code == 200


def test_code_of_one_worker_opens_nothing_for_another(app, county, phone, sealed):
    code = make_code(app, county)
    other = Phone(app, county, "worker2")
    assert refusal(ask(other, code, sealed)) == (422, "pin_code_wrong")
    other.headers["X-User-Id"] = str(phone.user_id)
    assert refusal(ask(other, code, sealed)) == (409, "wrong_account")
    assert ask(phone, code, sealed).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"sealed": "x"},
        {"code": "1"},
        {"sealed": 1, "code": 2},
        {"sealed": "x" * 401, "code": "1"},
    ],
)
def test_request_that_cannot_be_read_is_no_guess(app, county, phone, body):
    make_code(app, county)
    answer = phone.client.post("/api/session/key", json=body, headers=phone.headers)
    assert refusal(answer) == (422, "body_invalid")
    with app.app_context():
        assert db.session.scalars(select(PinCode.failures)).one() == 0


def test_only_a_supervisor_of_the_workers_areas_makes_a_code(app, county):
    for maker, worker in (("stranger", "worker"), ("supervisor", "leader"), ("supervisor", "supervisor")):
        with pytest.raises(AppError) as raised:
            make_code(app, county, maker, worker)
        assert raised.value.code == "not_found"
    assert audited(app) == []


def test_supervisor_of_an_ended_account_can_still_help(app, county, phone, sealed):
    with app.app_context(), transaction():
        actions.end_account(db.session.get_one(User, county.users["admin"]), phone.user_id, clock.now())
    code = make_code(app, county)
    phone.sign_in()
    assert ask(phone, code, sealed).status_code == 200
    with pytest.raises(AppError):
        make_code(app, county, "stranger")


def test_needs_a_session(app, county, phone, sealed):
    code = make_code(app, county)
    phone.client.delete("/api/session", headers=phone.headers)
    phone.headers["X-CSRFToken"] = phone.client.get("/api/session").json["csrf_token"]
    assert refusal(ask(phone, code, sealed)) == (401, "sign_in_needed")
