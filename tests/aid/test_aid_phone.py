"""Aid given on phones: entered once whatever the network does, kept whole when it cannot be, held by the right phones."""

from __future__ import annotations

import hashlib
import uuid
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from fieldapp.aid import actions, queries
from fieldapp.aid.actions import Given, Subject
from fieldapp.aid.models import Aid
from fieldapp.aid.rules import ON_PHONES, list_faults, needs_receipt
from fieldapp.core import clock, feeds
from fieldapp.core.db import db, transaction
from fieldapp.followups.models import Followup
from fieldapp.people import queries as people
from fieldapp.people.actions import add_household
from fieldapp.people.models import DeclaredRelative
from fieldapp.reports.recount import list_wrong
from fieldapp.reviews import merge_actions as merging
from fieldapp.rollups.models import ClosedWeek
from fieldapp.sync.models import Operation
from fieldapp.users.models import User
from tests.factories import GRID, OTHER_GRID, Desk, Phone, draw_photo, make_household, text_of
from tests.followups.test_pages import words_of

HEATING = Given(kind="cash", programme="heating", source="public", amount_cents=500_00)
SIGNED = draw_photo(3)
SIGNATURE = {
    "sha256": hashlib.sha256(SIGNED).hexdigest(),
    "question": "signature",
    "taken_at": None,
    "size": len(SIGNED),
}


def today() -> date:
    return clock.local_date(clock.now())


def cash(county, **more: Any) -> dict[str, Any]:
    return {
        "aid_uuid": str(uuid.uuid4()),
        "household_uuid": county.household_uuid,
        "person_uuid": None,
        "visit_uuid": None,
        "followup_id": None,
        "kind": "cash",
        "programme": "condolence",
        "source": "public",
        "item": None,
        "amount_cents": 500_00,
        "quantity_milli": None,
        "unit": None,
        "note": None,
        "is_given": True,
        "on": today().isoformat(),
        "received_by": None,
        "attachments": [],
        **more,
    }


def rice(county, **more: Any) -> dict[str, Any]:
    of_rice = {"kind": "goods", "amount_cents": None, "item": "rice", "quantity_milli": 2_000, "unit": "bag"}
    return cash(county, **of_rice | more)


def give(county, aid_uuid: str, **more: Any) -> dict[str, Any]:
    return {
        "aid_uuid": aid_uuid,
        "household_uuid": county.household_uuid,
        "visit_uuid": None,
        "on": today().isoformat(),
        "received_by": None,
        "attachments": [],
        **more,
    }


def take_back(county, aid_uuid: str, reason: str = "多记了一次") -> dict[str, Any]:
    return {"aid_uuid": aid_uuid, "household_uuid": county.household_uuid, "reason": reason}


def push(phone: Phone, kind: str, body: dict[str, Any], **more: Any) -> tuple[str, str | None]:
    receipt = phone.push(phone.op(kind, body, **more))[0]
    return receipt["outcome"], receipt["code"]


def entries(app) -> list[Aid]:
    with app.app_context():
        return list(db.session.scalars(select(Aid).order_by(Aid.entered_at, Aid.state)))


def waiting(app) -> list[Operation]:
    with app.app_context():
        return list(db.session.scalars(select(Operation).where(Operation.quarantine.is_not(None))))


def address_of(operation: Operation) -> str:
    return f"/quarantine/{operation.user_id}/{operation.op_uuid}/{operation.body_hash}"


@pytest.fixture(autouse=True)
def recounted(app):
    """Whatever happened, what is counted is what the entries say."""
    yield
    with app.app_context():
        assert list_wrong() == {}


@pytest.fixture
def due(app, county) -> str:
    """Money for heating that the office still owes the worker's household."""
    return enter(app, county)


def enter(app, county, given: Given = HEATING, *, is_given: bool = False, on: date | None = None) -> str:
    """Aid that the desk enters."""
    with app.app_context(), transaction():
        by = db.session.get_one(User, county.users["supervisor"])
        household = people.get_household(county.household_uuid, by.area_codes())
        return actions.enter_aid(
            by,
            str(uuid.uuid4()),
            Subject(household=household),
            given,
            is_given=is_given,
            on=on or today(),
            received_by=None,
            now=clock.now(),
        ).aid_uuid


def declare_relative(app, county) -> None:
    with app.app_context(), transaction():
        db.session.add(
            DeclaredRelative(
                user_id=county.users["worker"],
                person_uuid=county.person_uuids[0],
                relation="舅舅",
                declared_at=clock.now(),
            )
        )


# --- once, and only once --------------------------------------------------------------------------------------------


def test_what_was_given_is_entered_once_however_often_it_is_sent(app, county, phone):
    body = rice(county, received_by="女儿", note="自家种的", person_uuid=county.person_uuids[0])
    op = phone.op("aid.record", body)
    assert [phone.push(op)[0]["outcome"] for _ in range(3)] == ["accepted", "duplicate", "duplicate"]
    # Under another number, and from the worker's other phone.
    other = Phone(app, county)
    assert push(phone, "aid.record", body) == ("duplicate", None)
    assert push(other, "aid.record", body) == ("duplicate", None)
    [aid] = entries(app)
    assert (aid.state, aid.item, aid.quantity_milli, aid.unit) == ("given", "rice", 2_000, "bag")
    assert (aid.received_by, aid.note, aid.given_on, aid.area_code) == ("女儿", "自家种的", today(), GRID)
    assert (aid.entered_by_id, aid.op_uuid) == (county.users["worker"], op["op_uuid"])
    assert aid.counted["goods_food"] == 2_000


@pytest.mark.parametrize(
    "other",
    [
        {"amount_cents": 600_00},
        {"on": "2026-01-05"},
        {"is_given": False},
        {"received_by": "邻居"},
        {"programme": "heating"},
    ],
)
def test_same_entry_with_another_content_is_a_conflict_and_kept_whole(app, county, phone, other):
    body = cash(county)
    push(phone, "aid.record", body)
    assert push(phone, "aid.record", {**body, **other}) == ("conflict", "record_exists")
    assert [(aid.amount_cents, aid.programme) for aid in entries(app)] == [(500_00, "condolence")]
    [kept] = waiting(app)
    assert kept.quarantine["body"] == {**body, **other}


def test_entry_of_somebody_else_is_neither_changed_nor_confirmed(app, county, phone, due):
    body = cash(county)
    push(phone, "aid.record", body)
    stranger = Phone(app, county, "worker2")
    assert push(stranger, "aid.record", body) == ("rejected", "not_yours")
    for kind, sent in (
        ("aid.give", give(county, due)),
        ("aid.take_back", take_back(county, body["aid_uuid"])),
    ):
        known = push(stranger, kind, sent)
        # As of one that does not exist.
        assert known == push(stranger, kind, {**sent, "aid_uuid": str(uuid.uuid4())})
        assert known == ("rejected", "prerequisite_waiting")
    assert {aid.state for aid in entries(app)} == {"given", "due"}


def test_due_aid_is_given_once_and_a_second_giving_is_left_to_the_office(app, county, phone, due):
    op = phone.op("aid.give", give(county, due, received_by="女儿"))
    assert [phone.push(op)[0]["outcome"] for _ in range(2)] == ["accepted", "duplicate"]
    assert push(phone, "aid.give", op["body"]) == ("duplicate", None)
    [aid] = entries(app)
    assert (aid.state, aid.given_on, aid.received_by) == ("given", today(), "女儿")
    assert (aid.settled_by_id, aid.settled_op_uuid) == (county.users["worker"], op["op_uuid"])
    # Somebody says that it was given on another day, too: nothing is counted twice, nothing is lost.
    again = give(county, due, on=(today() - timedelta(days=1)).isoformat())
    assert push(phone, "aid.give", again) == ("conflict", "aid_settled")
    page = words_of(Desk(app).get(address_of(waiting(app)[0])))
    assert "已经发放、取消或撤回" in page
    assert "如果确实发了两次" in page
    assert len(entries(app)) == 1


@pytest.mark.parametrize("step", ["give", "cancel"])
def test_what_the_office_settled_meanwhile_is_not_given_again(app, county, phone, due, step):
    Desk(app).post(f"/aid/{due}/{step}", on=today().isoformat(), reason="不再发放")
    assert push(phone, "aid.give", give(county, due)) == ("conflict", "aid_settled")


# --- what cannot be applied -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"household_uuid": "other"}, "not_yours"),
        ({"household_uuid": str(uuid.UUID(int=7))}, "not_yours"),
        ({"person_uuid": "other"}, "not_yours"),
        ({"followup_id": str(uuid.UUID(int=7))}, "not_yours"),
        ({"amount_cents": None}, "body_invalid"),
        ({"amount_cents": 0}, "body_invalid"),
        ({"amount_cents": 1_000_000_01}, "body_invalid"),
        ({"amount_cents": 1.5}, "body_invalid"),
        ({"kind": "gold"}, "body_invalid"),
        ({"kind": "goods"}, "body_invalid"),
        ({"kind": "service", "amount_cents": None, "item": "care", "quantity_milli": 1_500}, "body_invalid"),
        ({"item": "rice"}, "body_invalid"),
        ({"programme": "lottery"}, "body_invalid"),
        ({"source": "nobody"}, "body_invalid"),
        ({"on": "yesterday"}, "body_invalid"),
        ({"on": "0001-01-01"}, "body_invalid"),
        ({"on": None}, "body_invalid"),
        ({"note": "长" * 1001}, "body_invalid"),
        ({"colour": "red"}, "body_invalid"),
    ],
)
def test_what_cannot_be_entered_is_kept_whole(app, county, phone, wrong, code):
    others = {"household_uuid": county.other_household_uuid, "person_uuid": county.other_person_uuid}
    body = cash(
        county, **{name: others[name] if value == "other" else value for name, value in wrong.items()}
    )
    assert push(phone, "aid.record", body) == ("rejected", code)
    assert entries(app) == []
    assert [operation.quarantine["body"] for operation in waiting(app)] == [body]
    assert Desk(app).get(address_of(waiting(app)[0])).status_code == 200


def test_worker_enters_nothing_for_near_relatives_and_the_office_does(app, county, phone, due):
    declare_relative(app, county)
    assert push(phone, "aid.record", cash(county)) == ("rejected", "own_relative")
    assert push(phone, "aid.give", give(county, due)) == ("rejected", "own_relative")
    assert [aid.state for aid in entries(app)] == ["due"]
    desk = Desk(app)
    for operation in waiting(app):
        page = words_of(desk.get(address_of(operation)))
        assert "近亲属" in page
        assert "请在这里登记" in page
        assert desk.post(f"{address_of(operation)}/take-in").status_code == 403


def test_somebody_elses_visit_is_not_named(app, county, phone):
    other = Phone(app, county, "worker2")
    visit = other.visit(household_uuid=county.other_household_uuid, people=[county.other_person_uuid])
    assert other.push(other.op("visit.submit", visit))[0]["outcome"] == "accepted"
    assert push(phone, "aid.record", cash(county, visit_uuid=visit["visit_uuid"])) == (
        "rejected",
        "not_yours",
    )


# --- in any order ---------------------------------------------------------------------------------------------------


def test_aid_belongs_to_its_visit_whichever_comes_first(app, county, phone):
    desk = Desk(app)
    early, late = phone.visit(), phone.visit()
    body = cash(county, visit_uuid=early["visit_uuid"])
    assert push(phone, "aid.record", body) == ("accepted", None)
    assert "尚未上传" in words_of(desk.get(f"/aid/{body['aid_uuid']}"))
    phone.push(phone.op("visit.submit", early), phone.op("visit.submit", late))
    assert push(phone, "aid.record", rice(county, visit_uuid=late["visit_uuid"])) == ("accepted", None)
    assert "500.00 元" in words_of(desk.get(f"/reviews/{early['visit_uuid']}/help"))
    assert "大米 2 袋" in words_of(desk.get(f"/reviews/{late['visit_uuid']}/help"))
    assert f"/reviews/{early['visit_uuid']}" in desk.get(f"/aid/{body['aid_uuid']}").text


def test_due_aid_given_on_a_visit_belongs_to_it(app, county, phone, due):
    visit = phone.visit()
    assert push(phone, "aid.give", give(county, due, visit_uuid=visit["visit_uuid"])) == ("accepted", None)
    phone.push(phone.op("visit.submit", visit))
    assert "500.00 元" in words_of(Desk(app).get(f"/reviews/{visit['visit_uuid']}/help"))


def test_aid_settles_the_task_it_was_given_for(app, county, phone):
    phone.push(phone.op("visit.submit", phone.visit({"reached": "reached", "home": {"food_days": "lt3"}})))
    with app.app_context():
        task_id = db.session.scalars(select(Followup.followup_id)).first()
    assert push(phone, "aid.record", rice(county, followup_id=task_id)) == ("accepted", None)
    assert f"/followups/{task_id}" in Desk(app).get(f"/aid/{entries(app)[0].aid_uuid}").text


def test_steps_of_an_entry_that_came_before_it_are_taken_with_it(app, county, phone):
    """A queue that goes out of order: what was promised, given and taken back again is all there in the end."""
    household = str(uuid.uuid4())
    body = cash(county, household_uuid=household, is_given=False)
    given = give(county, body["aid_uuid"], household_uuid=household)
    wrong = {**take_back(county, body["aid_uuid"]), "household_uuid": household}
    ops = [
        phone.op("household.register", registration(household)),
        phone.op("aid.record", body),
        phone.op("aid.give", given),
        phone.op("aid.take_back", wrong),
    ]
    for op in (ops[3], ops[2], ops[1]):
        assert phone.push(op)[0]["outcome"] == "rejected"
    assert phone.push(ops[0])[0]["outcome"] == "accepted"
    assert [phone.push(op)[0]["outcome"] for op in ops] == ["duplicate"] * 4
    # Given by mistake: taken off again, and due as before.
    assert sorted(aid.state for aid in entries(app)) == ["due", "reversal", "reversed"]


def registration(household_uuid: str) -> dict[str, Any]:
    return {
        "household_uuid": household_uuid,
        "grid_code": GRID,
        "name": "新来户",
        "address": "村东头",
        "found_at": text_of(clock.now()),
        "people": [{"person_uuid": str(uuid.uuid4()), "name": "赵新"}],
    }


def test_grid_that_was_the_workers_when_it_was_given_is_enough(app, county, phone, due):
    at = text_of(clock.now() - timedelta(hours=5))
    ops = [phone.op("aid.record", cash(county), at=at), phone.op("aid.give", give(county, due), at=at)]
    Desk(app).post(f"/households/{county.household_uuid}/move", grid=OTHER_GRID)
    assert [receipt["outcome"] for receipt in phone.push(*ops)] == ["accepted", "accepted"]
    # From then on it is the other worker's.
    late = phone.op("aid.record", cash(county))
    assert phone.push(late)[0]["code"] == "not_yours"


# --- the phone's clock ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("wrong_by", "said"), [(timedelta(days=3), 3), (timedelta(days=-3), -3)])
def test_day_is_corrected_as_the_phones_clock_is(app, county, phone, wrong_by, said):
    now = clock.now() + wrong_by
    op = phone.op("aid.record", cash(county, on=clock.local_date(now).isoformat()), at=text_of(now))
    assert phone.push(op, sent_at=text_of(now))[0]["outcome"] == "accepted"
    assert entries(app)[0].given_on == today()


def test_clock_that_nobody_can_correct_leaves_no_day_that_is_still_to_come(app, county, phone):
    tomorrow = (today() + timedelta(days=1)).isoformat()
    assert push(phone, "aid.record", cash(county, on=tomorrow)) == ("accepted", None)
    assert push(phone, "aid.record", cash(county, on=tomorrow, is_given=False)) == ("accepted", None)
    given, due = sorted(entries(app), key=lambda aid: aid.state, reverse=True)
    assert (given.given_on, due.due_on) == (today(), today() + timedelta(days=1))


# --- taken back -----------------------------------------------------------------------------------------------------


def test_own_entry_is_taken_back_by_one_that_counts_against_it(app, county, phone):
    body = cash(county)
    push(phone, "aid.record", body)
    op = phone.op("aid.take_back", take_back(county, body["aid_uuid"]))
    assert [phone.push(op)[0]["outcome"] for _ in range(2)] == ["accepted", "duplicate"]
    assert push(phone, "aid.take_back", op["body"]) == ("duplicate", None)
    assert push(phone, "aid.take_back", take_back(county, body["aid_uuid"], "又一次")) == (
        "conflict",
        "aid_settled",
    )
    wrong, reversal = sorted(entries(app), key=lambda aid: aid.state, reverse=True)
    assert (wrong.state, reversal.state, reversal.op_uuid) == ("reversed", "reversal", op["op_uuid"])
    page = words_of(Desk(app).get(f"/aid/{body['aid_uuid']}"))
    assert "多记了一次" in page


def test_taking_back_what_had_been_due_leaves_it_due(app, county, phone, due):
    push(phone, "aid.give", give(county, due))
    assert push(phone, "aid.take_back", take_back(county, due, "点错了")) == ("accepted", None)
    states = {aid.aid_uuid: aid.state for aid in entries(app)}
    [again] = [aid_uuid for aid_uuid, state in states.items() if state == "due"]
    assert states[due] == "reversed"
    # It is the office's claim still: the worker gives it, and does not cancel it.
    assert push(phone, "aid.take_back", take_back(county, again)) == ("rejected", "prerequisite_waiting")
    assert push(phone, "aid.give", give(county, again)) == ("accepted", None)


def test_promise_is_cancelled_by_who_made_it_and_a_claim_of_the_office_is_not(app, county, phone, due):
    body = cash(county, is_given=False)
    push(phone, "aid.record", body)
    assert push(phone, "aid.take_back", take_back(county, body["aid_uuid"])) == ("accepted", None)
    assert push(phone, "aid.take_back", take_back(county, due)) == ("rejected", "prerequisite_waiting")
    states = {aid.aid_uuid: aid.state for aid in entries(app)}
    assert (states[body["aid_uuid"]], states[due]) == ("cancelled", "due")


def test_week_that_was_reported_is_corrected_by_the_office(app, county, phone):
    on = today() - timedelta(days=14)
    body = cash(county, on=on.isoformat())
    push(phone, "aid.record", body)
    with app.app_context(), transaction():
        week = db.session.get_one(Aid, body["aid_uuid"]).week_on
        db.session.add(ClosedWeek(county_code=GRID[:6], week_on=week))
    op = phone.op("aid.take_back", take_back(county, body["aid_uuid"]))
    assert phone.push(op)[0]["code"] == "aid_reported"
    # Written on the day it was given, it only comes late.
    desk = Desk(app)
    assert desk.post(f"{address_of(waiting(app)[0])}/take-in", reason="核实过").status_code == 303
    assert sorted(aid.state for aid in entries(app)) == ["reversal", "reversed"]
    assert phone.push(op)[0]["outcome"] == "duplicate"


def test_payment_of_relief_is_not_the_workers_to_take_back(app, county, phone):
    body = cash(county)
    push(phone, "aid.record", body)
    with app.app_context(), transaction():
        db.session.execute(update(Aid).values(relief_case_id=str(uuid.uuid4())))
    assert push(phone, "aid.take_back", take_back(county, body["aid_uuid"])) == ("rejected", "aid_of_case")


# --- the office settles what waits ----------------------------------------------------------------------------------


def test_office_takes_in_what_could_not_be_placed(app, county):
    other = Phone(app, county, "worker2")
    body = cash(county, attachments=[SIGNATURE], note="零钱")
    assert push(other, "aid.record", body) == ("rejected", "not_yours")
    assert other.put_photo(SIGNED).status_code == 201
    desk, [operation] = Desk(app), waiting(app)
    page = desk.get(address_of(operation))
    assert "500.00 元" in words_of(page)
    assert "走访慰问" in words_of(page)
    assert SIGNATURE["sha256"] in page.text
    assert desk.post(f"{address_of(operation)}/take-in").status_code == 303
    [aid] = entries(app)
    assert (aid.entered_by_id, aid.household_uuid, aid.state) == (
        county.users["worker2"],
        county.household_uuid,
        "given",
    )
    assert other.push(other.op("aid.record", body))[0]["outcome"] == "duplicate"
    # As it was settled: taken in once.
    assert desk.post(f"{address_of(operation)}/take-in").status_code == 409


def test_corrected_entry_takes_the_place_of_the_one_that_was_refused(app, county, phone):
    op = phone.op("aid.record", cash(county, amount_cents=1_000_000_01))
    assert phone.push(op)[0]["outcome"] == "rejected"
    better = {**op["body"], "amount_cents": 100_00}
    assert push(phone, "aid.record", better, replaces=op["op_uuid"]) == ("accepted", None)
    assert [operation.state for operation in waiting(app)] == ["replaced"]
    assert [aid.amount_cents for aid in entries(app)] == [100_00]


def test_refused_entry_says_so_on_the_phone(app, county, phone):
    op = phone.op("aid.record", cash(county, amount_cents=0))
    phone.push(op)
    Desk(app).post(f"{address_of(waiting(app)[0])}/refuse", reason="已在平台发放")
    receipt = phone.push(op)[0]
    assert (receipt["outcome"], receipt["code"]) == ("rejected", "refused_by_office")
    assert "已在平台发放" in receipt["message"]


# --- receipts -------------------------------------------------------------------------------------------------------


def test_receipt_is_seen_where_the_aid_counts_and_nowhere_else(app, county, phone):
    body = cash(county, attachments=[SIGNATURE])
    push(phone, "aid.record", body)
    desk = Desk(app)
    assert "还在手机上" in words_of(desk.get(f"/aid/{body['aid_uuid']}"))
    assert phone.put_photo(SIGNED).status_code == 201
    page = desk.get(f"/aid/{body['aid_uuid']}")
    assert "签名" in words_of(page)
    assert f"/api/attachments/{SIGNATURE['sha256']}" in page.text
    path = f"/api/attachments/{SIGNATURE['sha256']}?size=thumb"
    assert desk.get(path).status_code == 200
    assert Desk(app, "stranger").get(path).status_code == 404
    # No phone is told of it: whoever sent it knows.
    phone.pull()
    assert phone.pull_page()["changes"] == []


def set_policy(app, county, **terms: Any) -> None:
    fields = {
        "cash": "from",
        "cash_from": "300",
        "goods": "never",
        "based_on": "0",
        "reason": "县里规定",
        **terms,
    }
    answer = Desk(app, "officer").post(f"/aid/policy/{GRID[:6]}", **fields)
    assert answer.status_code == 303, words_of(answer)


def test_aid_without_the_receipt_its_county_wants_counts_and_says_so(app, county, phone):
    assert "receipts" not in phone.pull()["area", GRID[:6]]
    set_policy(app, county)
    assert phone.pull()["area", GRID[:6]]["receipts"] == {"cash": 300_00, "goods": None}
    small, large, signed = (
        cash(county, amount_cents=299_99),
        cash(county),
        cash(county, attachments=[SIGNATURE]),
    )
    for body in (small, large, signed, rice(county)):
        assert push(phone, "aid.record", body) == ("accepted", None)
    missing = {aid.aid_uuid for aid in entries(app) if aid.receipt_missing}
    assert missing == {large["aid_uuid"]}
    desk = Desk(app)
    page = words_of(desk.get("/aid?view=due&receipt=missing"))
    assert "缺回执" in page
    assert "1 条" in page
    assert "缺少回执" in words_of(desk.get(f"/aid/{large['aid_uuid']}"))
    assert desk.post(f"/aid/{large['aid_uuid']}/receipt").status_code == 303
    assert not any(aid.receipt_missing for aid in entries(app))


@pytest.mark.parametrize(
    ("limits", "kind", "amount", "is_needed"),
    [
        ({"cash": None}, "cash", 10**9, False),
        ({"cash": 0}, "cash", 1, True),
        ({"cash": 100_00}, "cash", 99_99, False),
        ({"cash": 100_00}, "cash", 100_00, True),
        ({"cash": 0}, "goods", 100_00, False),
        ({"goods": 0}, "goods", None, True),
        ({"goods": 50_00}, "goods", None, False),
        ({"goods": 50_00}, "goods", 50_00, True),
        ({"cash": 0, "goods": 0}, "service", None, False),
    ],
)
def test_receipt_is_needed_from_the_countys_amount_on(limits, kind, amount, is_needed):
    assert needs_receipt(limits, kind, amount) is is_needed


def test_policy_keeps_its_history_and_needs_what_it_says(app, county):
    officer = Desk(app, "officer")
    path = f"/aid/policy/{GRID[:6]}"
    answer = officer.post(path, cash="from", cash_from="", goods="never", based_on="0", reason="县里规定")
    assert answer.status_code == 422
    assert "请填写金额" in words_of(answer)
    set_policy(app, county)
    set_policy(app, county, based_on="1", goods="always", reason="县里又规定")
    assert officer.post(path, cash="never", goods="never", based_on="0", reason="旧页面").status_code == 409
    page = words_of(Desk(app).get("/aid/policy"))
    assert "300.00 元起" in page
    assert "县里又规定" in page


@pytest.mark.parametrize(
    ("given", "faults"),
    [
        (("cash", None, 1, None, None), {}),
        (("cash", "rice", 1, None, None), {"item": "unexpected"}),
        (("goods", "rice", None, 1, "bag"), {}),
        (("goods", "rice", 5, 1, "bag"), {}),
        (
            ("goods", None, None, None, None),
            {"item": "missing", "quantity_milli": "missing", "unit": "missing"},
        ),
        (("service", "care", None, 1_000, None), {}),
        (("service", "care", 1, 1_000, None), {"amount_cents": "unexpected"}),
        (("service", "care", None, 500, None), {"quantity_milli": "not_whole"}),
    ],
)
def test_how_much_fits_its_kind(given, faults):
    assert list_faults(*given) == faults


# --- what phones hold -----------------------------------------------------------------------------------------------


def held(phone: Phone) -> dict[str, Any]:
    return {key: record for (kind, key), record in phone.pull().items() if kind == "aid"}


def test_phones_of_the_grid_hold_what_is_due_and_what_was_given_lately(app, county, phone, due):
    lately = enter(app, county, is_given=True, on=today() - timedelta(days=59))
    long_ago = enter(app, county, is_given=True, on=today() - ON_PHONES)
    records = held(phone)
    assert set(records) == {due, lately}
    assert records[due] == {
        "aid_uuid": due,
        "household_uuid": county.household_uuid,
        "person_uuid": None,
        "kind": "cash",
        "programme": "heating",
        "source": "public",
        "item": None,
        "amount_cents": 500_00,
        "quantity_milli": None,
        "unit": None,
        "note": None,
        "state": "due",
        "on": today().isoformat(),
        "own": False,
    }
    assert long_ago not in records
    assert held(Phone(app, county, "worker2")) == {}
    Desk(app).post(f"/aid/{due}/give", on=today().isoformat())
    assert held(phone)[due]["state"] == "given"
    Desk(app).post(f"/aid/{due}/reverse", reason="重复登记")
    assert set(held(phone)) == {lately}


def test_own_entry_is_told_from_others(app, county, phone, due):
    body = cash(county)
    push(phone, "aid.record", body)
    colleague = Phone(app, county, "worker2")
    with app.app_context(), transaction():
        db.session.get_one(User, county.users["worker2"])
    assert {key: record["own"] for key, record in held(phone).items()} == {due: False, body["aid_uuid"]: True}
    assert held(colleague) == {}
    push(phone, "aid.give", give(county, due))
    assert held(phone)[due]["own"] is True


def test_aid_goes_along_when_its_household_moves_or_is_merged(app, county, phone, due):
    colleague = Phone(app, county, "worker2")
    given = enter(app, county, is_given=True)
    assert set(held(phone)) == {due, given}
    desk = Desk(app)
    desk.post(f"/households/{county.household_uuid}/move", grid=OTHER_GRID)
    assert held(phone) == {}
    assert set(held(colleague)) == {due, given}
    desk.post(f"/households/{county.household_uuid}/move", grid=GRID)
    assert set(held(phone)) == {due, given}
    assert held(colleague) == {}
    with app.app_context(), transaction():
        other = add_household(make_household(GRID, "刘玉珍", ["刘玉珍"]), clock.now())
        other_uuid = other.household_uuid
    with app.app_context(), transaction():
        by = db.session.get_one(User, county.users["supervisor"])
        seen = people.last_changes((other_uuid, county.household_uuid))
        assert len(seen) == 2
        made = merging.merge(by, "household", other_uuid, county.household_uuid, (), seen, clock.now())
        merge_id = made.merge_id
    assert {record["household_uuid"] for record in held(phone).values()} == {other_uuid}
    # What is still sent for the entry that was merged is its household's.
    assert push(phone, "aid.give", give(county, due)) == ("accepted", None)
    with app.app_context(), transaction():
        by = db.session.get_one(User, county.users["supervisor"])
        merging.undo_merge(by, merge_id, "不是一户", clock.now())
    assert {record["household_uuid"] for record in held(phone).values()} == {county.household_uuid}


def test_what_was_given_long_ago_leaves_the_phones_and_what_they_lack_comes(app, county, phone, due):
    given = enter(app, county, is_given=True)
    assert set(held(phone)) == {due, given}
    later = clock.now() + ON_PHONES
    with app.app_context():
        assert actions.refresh_phones(later) == 1
        assert actions.refresh_phones(later) == 0
    assert set(held(phone)) == {due}
    with app.app_context(), transaction():
        # As after an update from a version whose phones held none.
        db.session.execute(update(Aid).values(feed=None))
        db.session.execute(delete(feeds.FeedEntry).where(feeds.FeedEntry.kind == "aid"))
    with app.app_context():
        assert actions.refresh_phones(clock.now()) == 2
        assert [aid.feed for aid in queries.list_of_household(county.household_uuid)] == [GRID, GRID]
