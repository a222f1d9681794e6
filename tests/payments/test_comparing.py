"""What rows of a payment list are found to be, and what is decided of them by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import select

from fieldapp.aid import actions as aid_actions
from fieldapp.aid.models import Aid
from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.core.errors import AppError
from fieldapp.payments import queries
from fieldapp.payments.rules import Whole
from fieldapp.people.models import Person
from tests.factories import GRID
from tests.imports.rosters import find_user, make_id
from tests.payments.lists import DIBAO, kinds, promise, register, stage, take, undo
from tests.payments.village import ROWS, again, books, decide, is_counted_right, money
from tests.relief.conftest import WAYS, Office

pytestmark = pytest.mark.usefixtures("county")


def test_uncertain_rows_are_taken_in_by_hand_and_taken_back(app, village):
    list_id = stage(app, ROWS)
    for number in (3, 6, 8):
        decide(app, list_id, number)
    decide(app, list_id, 4, "leave")
    with pytest.raises(AppError) as refused:
        decide(app, list_id, 7)
    assert refused.value.code == "payment_choice_missing"
    with app.app_context():
        chosen = queries.get_row(list_id, 7).candidates[0]
    assert decide(app, list_id, 7, chosen=chosen).kind == "several"
    for number in (5, 9, 10, 11, 12):
        with pytest.raises(AppError) as refused:
            decide(app, list_id, number)
        assert refused.value.code == "payment_decided"
    with app.app_context():
        assert queries.sum_to_take(list_id) == queries.Tally(5, 2500_00)
    take(app, list_id)
    after = books(app)
    # What was paid takes the place of what was due.
    assert after[("差额人", "cancelled", "2026-10")] == 450_00
    assert after[("差额人", "given", "2026-10")] == 500_00
    assert after[("已故人", "given", "2026-10")] == 500_00
    assert after[("同名人", "given", "2026-10")] == 500_00
    assert ("新发人", "given", "2026-10") not in after
    assert money(app) == 3000_00
    assert is_counted_right(app)
    undo(app, list_id)
    undone = books(app)
    assert undone[("差额人", "due", "2026-10")] == 450_00
    assert money(app) == 500_00
    assert is_counted_right(app)


def test_a_row_left_out_by_hand_stays_left_out_however_often_it_is_compared(app, village):
    list_id = stage(app, ROWS[:3])
    decide(app, list_id, 2, "leave")
    decide(app, list_id, 3, "leave")
    with app.app_context(), transaction():
        person = db.session.scalars(select(Person).where(Person.name == "差额人")).one()
        promised = db.session.scalars(select(Aid).where(Aid.person_uuid == person.person_uuid)).one()
        aid_actions.cancel_aid(find_user("supervisor"), promised.aid_uuid, reason="停发", now=clock.now())
    assert again(app, list_id) == {2: "due", 3: "new", 4: "new"}
    with app.app_context():
        assert [queries.get_row(list_id, number).decision for number in (2, 3)] == ["leave", "leave"]
        assert queries.sum_to_take(list_id) == queries.Tally(1, 500_00)


def test_what_was_taken_by_hand_is_decided_anew_when_it_means_something_else(app, village):
    list_id = stage(app, [["差额人", make_id(2), "500"], ["已故人", make_id(5), "500"]])
    decide(app, list_id, 2)
    decide(app, list_id, 3)
    with app.app_context(), transaction():
        person = db.session.scalars(select(Person).where(Person.name == "差额人")).one()
        promise(person, 30_00)
    assert again(app, list_id) == {2: "differs", 3: "gone"}
    with app.app_context():
        assert [queries.get_row(list_id, number).decision for number in (2, 3)] == [None, "take"]
        assert queries.sum_to_take(list_id).rows == 1


def test_the_same_payment_below_or_above_one_in_the_books_is_there_twice(app, village):
    with app.app_context(), transaction():
        register(GRID, "后来人", 12, died_on=date(2026, 9, 3))
    rows = [["后来人", make_id(12), "500"], ["新发人", make_id(3), "500"], ["新发人", make_id(3), "500"]]
    rows += [["后来人", make_id(12), "500"]]
    list_id = stage(app, rows)
    assert kinds(app, list_id) == {2: "gone", 3: "new", 4: "twice", 5: "twice"}
    take(app, list_id)
    assert again(app, list_id) == {2: "gone", 3: "new", 4: "twice", 5: "twice"}
    # The lower of two is in the books, and the upper is found out to be the same.
    with app.app_context(), transaction():
        row = queries.get_row(list_id, 2)
        row.is_taken = False
        lower = queries.get_row(list_id, 5)
        lower.kind, lower.is_taken = "gone", True
        lower.person_uuid, lower.household_uuid = row.person_uuid, row.household_uuid
    assert again(app, list_id)[2] == "twice"


def test_an_amount_of_many_digits_holds_up_no_list(app, village):
    list_id = stage(app, [["新发人", make_id(3), "9" * 30], ["应发人", make_id(1), "500"]])
    assert list(kinds(app, list_id).values()) == ["faulty", "due"]


def test_another_payer_than_what_is_due_is_a_doubt(app, village):
    with app.app_context(), transaction():
        promise(register(GRID, "善款人", 13), 500_00, source="charity")
    list_id = stage(app, [["善款人", make_id(13), "500"], ["应发人", make_id(1), "500"]])
    assert kinds(app, list_id) == {2: "doubtful", 3: "due"}
    take(app, list_id)
    assert books(app)[("善款人", "due", "2026-10")] == 500_00


def test_relief_of_a_list_waits_while_an_approved_case_is_to_be_paid(app, county, village):
    with app.app_context(), transaction():
        helped = register(GRID, "救急人", 14)
        office = Office(replace(county, household_uuid=helped.household_uuid))
        case_id = office.open()
        office.take(case_id, *WAYS["approved"])
    relief = Whole("temporary_relief", "public", "2026-10", date(2026, 11, 5))
    rows = [["救急人", make_id(14), "500"], ["新发人", make_id(3), "500"]]
    list_id = stage(app, rows, whole=relief)
    assert kinds(app, list_id) == {2: "doubtful", 3: "new"}
    with app.app_context():
        assert [note[1] for note in queries.get_row(list_id, 2).notes] == ["relief_waits"]
    assert list(kinds(app, stage(app, [*rows, ["", "", ""]], whole=DIBAO)).values()) == ["new", "new"]
    with app.app_context(), transaction():
        office.pay(case_id, 500_00)
    again(app, list_id)
    with app.app_context():
        assert [note[1] for note in queries.get_row(list_id, 2).notes] == ["near_given"]


def test_places_and_months_of_columns_are_read(app, village):
    header = ["姓名", "身份证后四位", "金额", "项目", "资金来源", "发放月份", "发放日期", "乡镇"]
    rows = [
        ["新发人", make_id(3)[-4:], "300", "高龄津贴", "财政资金", "2026年9月", "2026-10-08", "依兰镇"],
        ["新发人", make_id(3)[-4:], "300", "高龄津贴", "财政资金", "2026年10月", "2026-11-08", ""],
        ["新发人", make_id(3)[-4:], "300", "彩票", "财政资金", "2026年10月", "2026-11-08", ""],
    ]
    list_id = stage(app, rows, header=header, whole=Whole(None, None, None, None))
    found = list(kinds(app, list_id).values())
    assert found[1:] == ["new", "faulty"]
    assert found[0] in ("new", "doubtful")
    with app.app_context():
        assert queries.get_row(list_id, 3).period == "2026-10"
