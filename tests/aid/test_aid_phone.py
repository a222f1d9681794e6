"""Aid given on phones: entered once whatever the network does, kept whole when it cannot be."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from fieldapp.aid.models import Aid
from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.followups.models import Followup
from fieldapp.people.models import DeclaredRelative
from fieldapp.rollups.models import ClosedWeek
from fieldapp.sync.models import Operation
from tests.aid.phone_aid import SIGNATURE, SIGNED, cash, entries, give, push, rice, take_back, today
from tests.factories import GRID, OTHER_GRID, Desk, Phone, text_of
from tests.followups.test_pages import words_of

pytestmark = pytest.mark.usefixtures("recounted")


def waiting(app) -> list[Operation]:
    with app.app_context():
        return list(db.session.scalars(select(Operation).where(Operation.quarantine.is_not(None))))


def address_of(operation: Operation) -> str:
    return f"/quarantine/{operation.user_id}/{operation.op_uuid}/{operation.body_hash}"


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
