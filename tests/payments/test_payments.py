"""A payment list from file to undo: every row is somewhere, nothing is entered twice, and all can be taken back."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import replace
from datetime import date
from threading import Barrier, Thread
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings as hypothesis_settings, strategies as st
from sqlalchemy import func, select

from fieldapp.aid import actions as aid_actions
from fieldapp.aid.models import Aid
from fieldapp.core import clock
from fieldapp.core.audit import AuditEntry
from fieldapp.core.db import db, transaction
from fieldapp.core.errors import AppError
from fieldapp.payments import actions, queries
from fieldapp.payments.actions import Decision
from fieldapp.payments.models import CHECKED, TAKEN, TAKING, UNDONE, PaymentList, PaymentRow
from fieldapp.payments.rules import KINDS, Whole
from fieldapp.payments.workbook import write_unmatched
from fieldapp.people.models import DeclaredRelative, Person
from fieldapp.reports import recount
from fieldapp.rollups.queries import read_all
from tests.factories import GRID, OTHER_GRID
from tests.imports.rosters import LIMITS, as_csv, find_user, make_id
from tests.payments.lists import DIBAO, HEADER, kinds, promise, register, run, stage, take, undo
from tests.relief.conftest import WAYS, Office

pytestmark = pytest.mark.usefixtures("county")


def books(app) -> Counter[tuple[str, str, str | None]]:
    """Cents by (person's name, state, month) of all aid."""
    with app.app_context():
        rows = db.session.execute(
            select(Person.name, Aid.state, Aid.period, func.sum(Aid.amount_cents))
            .join(Person, Person.person_uuid == Aid.person_uuid)
            .group_by(Person.name, Aid.state, Aid.period)
        )
        return Counter({(name, state, period): int(cents or 0) for name, state, period, cents in rows})


def money(app) -> int:
    """What the report counts as money, in cents, of all weeks."""
    with app.app_context():
        return sum(value for key, value in read_all().items() if key[3].startswith("money_other"))


def is_counted_right(app) -> bool:
    with app.app_context():
        return recount.list_wrong() == {}


@pytest.fixture
def village(app) -> None:
    """People who are paid: due, due otherwise, not entered, entered, dead, a namesake pair, somebody elsewhere."""
    with app.app_context(), transaction():
        promise(register(GRID, "应发人", 1), 500_00)
        promise(register(GRID, "差额人", 2), 450_00)
        register(GRID, "新发人", 3)
        promise(register(GRID, "已发人", 4), 500_00, given=True)
        register(GRID, "已故人", 5, died_on=date(2026, 9, 3))
        register(GRID, "同名人", id_number="230183195005040028")
        register(OTHER_GRID, "同名人", id_number="230183196005040028")
        register(GRID, "错号人", 8)
        relative = register(GRID, "近亲人", 9)
        db.session.add(
            DeclaredRelative(
                user_id=find_user("supervisor").id,
                person_uuid=relative.person_uuid,
                relation="弟",
                declared_at=clock.now(),
            )
        )


ROWS = [
    ["应发人", make_id(1), "500"],
    ["差额人", make_id(2), "500"],
    ["新发人", make_id(3), "500.00"],
    ["已发人", make_id(4), "500"],
    ["已故人", make_id(5), "500"],
    ["同名人", "230183********0028", "500"],
    ["错号人", make_id(8, is_wrong=True), "500"],
    ["近亲人", make_id(9), "500"],
    ["查无人", make_id(10), "500"],
    ["应发人", make_id(1), "500"],
    ["新发人", make_id(3), "五百"],
    ["合计", "", "5000"],
]
FOUND = ["due", "differs", "new", "entered", "gone", "several", "doubtful", "relative", "unknown", "twice"]


def test_every_row_is_found_once_and_the_good_ones_are_entered_and_taken_back(app, village):
    list_id = stage(app, ROWS)
    assert list(kinds(app, list_id).values()) == [*FOUND, "faulty", "total"]
    with app.app_context():
        tallies = queries.sum_kinds(list_id)
        whole = queries.sum_up(tallies)
        assert (whole.rows, whole.cents, whole.without_amount) == (11, 5000_00, 1)
        assert queries.find_stated_total(list_id).amount_cents == whole.cents
    before = books(app)
    held = take(app, list_id)
    assert (held.state, held.taken_by, held.reason) == (TAKEN, find_id(app, "supervisor"), "财政局明细")
    after = books(app)
    assert after - before == Counter(
        {("应发人", "given", "2026-10"): 500_00, ("新发人", "given", "2026-10"): 500_00}
    )
    assert before - after == Counter({("应发人", "due", "2026-10"): 500_00})
    # 500 were entered by hand before.
    assert money(app) == 1500_00
    assert is_counted_right(app)
    with app.app_context():
        entries = db.session.scalars(select(Aid).where(Aid.payment_list_id == list_id)).all()
        assert {(entry.state, entry.given_on, entry.period) for entry in entries} == {
            ("given", date(2026, 11, 5), "2026-10")
        }
        assert queries.sum_taken(list_id) == queries.Tally(2, 1000_00)

    assert undo(app, list_id).state == UNDONE
    undone = books(app)
    assert undone[("应发人", "due", "2026-10")] == 500_00
    assert undone[("应发人", "reversal", "2026-10")] == 500_00
    assert undone[("新发人", "reversal", "2026-10")] == 500_00
    assert money(app) == 500_00
    assert is_counted_right(app)
    with app.app_context():
        said = select(AuditEntry.action, AuditEntry.values).where(AuditEntry.subject_kind == "payments")
        deeds: dict[str, Any] = dict(db.session.execute(said).all())
        assert list(deeds) == ["payments.bring", "payments.take", "payments.undo"]
        assert deeds["payments.take"] == {"rows": 2, "cents": 1000_00, "reason": "财政局明细"}

    # What was taken back may come again, and pays what is due again.
    again = stage(app, ROWS)
    assert list(kinds(app, again).values()) == [*FOUND, "faulty", "total"]
    take(app, again)
    assert money(app) == 1500_00
    assert is_counted_right(app)


def find_id(app, username: str) -> int:
    with app.app_context():
        return find_user(username).id


def test_a_list_taken_in_twice_adds_nothing(app, village):
    take(app, stage(app, ROWS[:3]))
    before = books(app)
    with pytest.raises(AppError) as refused:
        stage(app, ROWS[:3])
    assert refused.value.code == "payments_known"
    # The same rows in another file.
    again = stage(app, [*ROWS[:3], ["", "", ""], ["查无人", make_id(10), "1"]])
    assert list(kinds(app, again).values()) == ["entered", "differs", "entered", "unknown"]
    with pytest.raises(AppError) as refused:
        take(app, again)
    assert refused.value.code == "payments_nothing"
    assert books(app) == before


def test_two_lists_of_the_same_payments_compared_before_either_is_taken_in(app, village):
    one, other = stage(app, ROWS[:3]), stage(app, [*ROWS[:3], ["查无人", make_id(10), "1"]])
    at_once = Barrier(2)
    failed: list[object] = []

    def take_in(list_id: int) -> None:
        try:
            at_once.wait()
            take(app, list_id)
        except BaseException as error:  # pragma: no cover
            failed.append(error)

    threads = [Thread(target=take_in, args=[list_id]) for list_id in (one, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert books(app)[("新发人", "given", "2026-10")] == 500_00
    assert money(app) == 1500_00
    with app.app_context():
        taken = queries.sum_taken(one).rows + queries.sum_taken(other).rows
        left = queries.count_left(one) + queries.count_left(other)
        assert (taken, left) == (2, 2)
    assert is_counted_right(app)


def decide(app, list_id, number, decision="take", chosen=None, by="supervisor") -> PaymentRow:
    with app.app_context(), transaction():
        held = db.session.get_one(PaymentList, list_id)
        how = Decision(decision=decision, reason="已电话核实", chosen_uuid=chosen)
        return actions.decide(find_user(by), held, number, how, clock.now())


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


def test_what_changes_between_comparing_and_taking_in_is_left_and_shown(app, village):
    list_id = stage(app, ROWS)
    with app.app_context(), transaction():
        person = db.session.scalars(select(Person).where(Person.name == "新发人")).one()
        promise(person, 500_00, given=True)
    take(app, list_id)
    assert books(app)[("新发人", "given", "2026-10")] == 500_00
    with app.app_context():
        row = queries.get_row(list_id, 4)
        assert (row.kind, row.left, row.is_taken) == ("entered", "changed", False)
        assert queries.sum_up(queries.sum_kinds(list_id)).rows == 11
        # Somebody who is registered afterwards is found when the list is compared again; what is in the books stays.
        with transaction():
            register(GRID, "查无人", 10)
        with transaction():
            actions.compare_again(find_user("supervisor"), db.session.get_one(PaymentList, list_id))
        assert run(list_id).state == CHECKED
        assert queries.get_row(list_id, 10).kind == "new"
        assert queries.get_row(list_id, 2).is_taken
    take(app, list_id)
    assert books(app)[("查无人", "given", "2026-10")] == 500_00
    with app.app_context():
        assert queries.sum_taken(list_id) == queries.Tally(2, 1000_00)
    assert is_counted_right(app)


def test_what_was_taken_back_singly_is_not_taken_back_twice(app, village):
    list_id = stage(app, ROWS)
    take(app, list_id)
    with app.app_context(), transaction():
        entry = db.session.scalars(
            select(Aid).join(Person, Person.person_uuid == Aid.person_uuid).where(Person.name == "新发人")
        ).one()
        aid_actions.reverse_aid(find_user("supervisor"), entry.aid_uuid, reason="重复", now=clock.now())
    with app.app_context():
        assert queries.sum_in_books(list_id) == queries.Tally(1, 500_00)
    with pytest.raises(AppError) as refused:
        undo(app, list_id)
    assert (refused.value.code, refused.value.params["number"]) == ("payments_reversed", 1)
    assert undo(app, list_id, with_reversed=True).state == UNDONE
    assert money(app) == 500_00
    assert books(app)[("新发人", "reversal", "2026-10")] == 500_00
    assert is_counted_right(app)


def test_nobody_takes_back_what_their_relatives_were_paid(app, village):
    # A colleague of the county, to whom the relative is nobody, takes the list in.
    list_id = stage(app, [["近亲人", make_id(9), "500"]], username="officer")
    assert list(kinds(app, list_id).values()) == ["new"]
    take(app, list_id, "officer")
    with pytest.raises(AppError) as refused:
        undo(app, list_id)
    assert refused.value.code == "payments_of_relative"
    assert undo(app, list_id, "officer").state == UNDONE


def test_a_relatives_payment_is_not_taken_in_by_whoever_it_is_a_relative_of(app, village):
    list_id = stage(app, [["近亲人", make_id(9), "500"], ["新发人", make_id(3), "500"]], username="officer")
    # The officer's list covers more than the supervisor may see.
    with app.app_context(), pytest.raises(AppError):
        queries.get_list(list_id, find_user("supervisor").area_codes())
    with app.app_context(), transaction():
        db.session.get_one(PaymentList, list_id).area_codes = find_user("supervisor").area_codes()
    take(app, list_id)
    with app.app_context():
        assert queries.get_row(list_id, 2).kind == "relative"
        assert queries.sum_taken(list_id).rows == 1


def test_a_server_that_dies_half_way_goes_on_where_it_was(app, village, monkeypatch):
    monkeypatch.setattr(actions, "STEP_ROWS", 2)
    with app.app_context(), transaction():
        for number in range(20, 28):
            register(GRID, f"人{number}", number)
    rows = [[f"人{number}", make_id(number), "100"] for number in range(20, 28)]
    list_id = stage(app, rows)
    really_enter, entered = aid_actions.enter_aid, []

    def die(*args, **values):
        entered.append(args)
        if len(entered) == 4:
            raise KeyboardInterrupt
        return really_enter(*args, **values)

    monkeypatch.setattr(aid_actions, "enter_aid", die)
    with pytest.raises(KeyboardInterrupt):
        take(app, list_id)
    with app.app_context():
        held = db.session.get_one(PaymentList, list_id)
        # The step that was cut off has left nothing.
        assert (held.state, held.position, queries.sum_taken(list_id).rows) == (TAKING, 3, 2)
        monkeypatch.setattr(aid_actions, "enter_aid", really_enter)
        assert run(list_id).state == TAKEN
        assert queries.sum_taken(list_id) == queries.Tally(8, 800_00)
    assert sum(cents for (name, _, _), cents in books(app).items() if name.startswith("人")) == 800_00
    really_reverse, reversed_ = aid_actions.reverse_aid, []

    def die_again(*args, **values):
        reversed_.append(args)
        if len(reversed_) == 4:
            raise KeyboardInterrupt
        return really_reverse(*args, **values)

    monkeypatch.setattr(aid_actions, "reverse_aid", die_again)
    with pytest.raises(KeyboardInterrupt):
        undo(app, list_id)
    monkeypatch.setattr(aid_actions, "reverse_aid", really_reverse)
    with app.app_context():
        assert run(list_id).state == UNDONE
    assert money(app) == 500_00
    assert is_counted_right(app)


def again(app, list_id: int, username: str = "supervisor") -> dict[int, str | None]:
    """Compare once more; what each row is then."""
    with app.app_context():
        with transaction():
            actions.compare_again(find_user(username), db.session.get_one(PaymentList, list_id))
        run(list_id)
    return kinds(app, list_id)


def declare_relative(name: str, username: str = "supervisor") -> None:
    """In a transaction."""
    person = db.session.scalars(select(Person).where(Person.name == name)).one()
    declared = {"person_uuid": person.person_uuid, "relation": "弟", "declared_at": clock.now()}
    db.session.add(DeclaredRelative(user_id=find_user(username).id, **declared))


def test_what_a_list_took_back_in_part_and_takes_in_again_stands_in_the_books(app, village):
    with app.app_context(), transaction():
        register(GRID, "后亲人", 11)
    list_id = stage(app, [["新发人", make_id(3), "500"], ["后亲人", make_id(11), "500"]])
    take(app, list_id)
    with app.app_context(), transaction():
        held = db.session.get_one(PaymentList, list_id)
        actions.start_undoing(
            find_user("supervisor"), held, reason="发错", with_reversed=False, now=clock.now()
        )
        # Meanwhile: so one of the two stays.
        declare_relative("后亲人")
    with app.app_context():
        assert run(list_id).state == TAKEN
        assert queries.get_row(list_id, 3).is_taken
    assert again(app, list_id)[2] == "new"
    take(app, list_id)
    assert books(app)[("新发人", "given", "2026-10")] == 500_00
    assert books(app)[("新发人", "reversal", "2026-10")] == 500_00
    assert money(app) == 1500_00
    assert is_counted_right(app)
    # What the list took back does not count among what was taken back singly.
    assert undo(app, list_id, "officer").state == UNDONE
    assert ("新发人", "given", "2026-10") not in books(app)
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


def test_what_is_thrown_away_is_not_taken_in_and_the_other_way_round(app, village, monkeypatch):
    list_id = stage(app, ROWS[:3])
    really_erase = actions._erase

    def take_first(number: int) -> None:
        held = db.session.get_one(PaymentList, number)
        with pytest.raises(AppError) as refused, transaction():
            actions.start_taking(find_user("supervisor"), held, reason="财政局明细", now=clock.now())
        assert refused.value.code == "payments_state_wrong"
        really_erase(number)

    monkeypatch.setattr(actions, "_erase", take_first)
    with app.app_context():
        held = db.session.get_one(PaymentList, list_id)
        actions.throw_away(find_user("supervisor"), held, clock.now())
        assert db.session.get(PaymentList, list_id) is None
        with pytest.raises(AppError) as refused, transaction():
            actions.start_taking(find_user("supervisor"), held, reason="财政局明细", now=clock.now())
        assert refused.value.code == "not_found"
    other = stage(app, ROWS[:3])
    with app.app_context(), transaction():
        held = db.session.get_one(PaymentList, other)
        actions.start_taking(find_user("supervisor"), held, reason="财政局明细", now=clock.now())
    with app.app_context(), pytest.raises(AppError) as refused:
        actions.throw_away(find_user("supervisor"), held, clock.now())
    assert refused.value.code == "payments_state_wrong"


def test_a_file_on_its_way_into_the_list_is_not_thrown_away(app, village):
    list_id = stage(app, ROWS[:3])
    with app.app_context():
        held = db.session.get_one(PaymentList, list_id)
        with transaction():
            held.state = "reading"
        with pytest.raises(AppError) as refused:
            actions.throw_away(find_user("supervisor"), held, clock.now())
        assert refused.value.code == "payments_state_wrong"
        actions.throw_away(find_user("supervisor"), held, clock.now() + actions.READING_TAKES)
        assert db.session.get(PaymentList, list_id) is None


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


def test_an_account_without_areas_brings_and_sees_no_list(app, village):
    list_id = stage(app, ROWS[:3])
    with app.app_context():
        admin = find_user("admin")
        with pytest.raises(AppError) as refused:
            actions.stage(admin, "发放明细.csv", io.BytesIO(as_csv([HEADER, *ROWS])), LIMITS, clock.now())
        assert refused.value.code == "payments_no_area"
        with transaction():
            db.session.get_one(PaymentList, list_id).area_codes = []
        with pytest.raises(AppError):
            queries.get_list(list_id, find_user("officer").area_codes())
        assert queries.list_lists(find_user("officer").area_codes(), 1) == ([], False)


def test_a_file_that_was_looked_up_in_fewer_areas_may_come_again(app, village):
    narrow = stage(app, ROWS[:3])
    wide = stage(app, ROWS[:3], username="officer")
    assert wide != narrow
    for username in ("supervisor", "officer"):
        with pytest.raises(AppError) as refused:
            stage(app, ROWS[:3], username=username)
        assert refused.value.code == "payments_known"


def test_of_who_has_left_the_readers_areas_no_more_than_the_masked_name_is_shown(app, village):
    with app.app_context():
        person = db.session.scalars(select(Person).where(Person.name == "新发人")).one()
        names = queries.get_names([person.person_uuid], [GRID])
        assert names == {person.person_uuid: ("新发人", "幸福村2组")}
        assert queries.get_names([person.person_uuid], [OTHER_GRID]) == {person.person_uuid: ("新*人",)}


def test_what_did_not_match_leaves_as_a_workbook_with_why(app, village):
    list_id = stage(app, ROWS)
    take(app, list_id)
    with app.app_context(), app.test_request_context():
        sheet = openpyxl.load_workbook(
            io.BytesIO(write_unmatched(db.session.get_one(PaymentList, list_id)))
        ).active
    header, *rows = sheet.iter_rows(values_only=True)
    assert header[3:] == HEADER
    assert [row[0] for row in rows] == ["3", "5", "6", "7", "8", "9", "10", "11", "12"]
    assert rows[-1][5] == "五百"


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


def test_columns_and_terms_must_say_enough(app, village):
    with app.app_context():
        user = find_user("supervisor")
        content = io.BytesIO(as_csv([HEADER, *ROWS]))
        held = actions.stage(user, "发放明细.csv", content, LIMITS, clock.now())
        for fields, whole, code in (
            (["name", "id_number", ""], DIBAO, "payment_columns_missing"),
            (["", "", "amount"], DIBAO, "payment_columns_missing"),
            (["name", "name", "amount"], DIBAO, "column_twice"),
            (["name", "id_number", "amount"], Whole("dibao", "public", None, None), "payment_terms_missing"),
        ):
            with pytest.raises(AppError) as refused, transaction():
                actions.choose_columns(user, held, fields, whole)
            assert refused.value.code == code
        actions.throw_away(user, held, clock.now())
        assert db.session.scalar(select(func.count()).select_from(PaymentRow)) == 0


NAMES = ["应发人", "差额人", "新发人", "已发人", "已故人", "近亲人", "查无人", ""]
row_of = st.tuples(
    st.sampled_from(NAMES),
    st.sampled_from([*(make_id(number) for number in range(1, 11)), "", "230183********0028", "12"]),
    st.sampled_from(["500", "450", "1,250.50", "0", "-3", "", "很多", "0.01"]),
)


@hypothesis_settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
@given(rows=st.lists(row_of, min_size=1, max_size=12), has_total=st.booleans())
def test_kinds_add_up_to_the_list_whatever_is_in_it(app, village, rows, has_total):
    kept = [list(row) for row in rows if any(row)]
    kept += [["合计", "", "1"]] if has_total else []
    if not kept:
        return
    list_id = stage(app, kept)
    with app.app_context():
        tallies = queries.sum_kinds(list_id)
        whole = queries.sum_up(tallies)
        readable = {"500": 500_00, "450": 450_00, "1,250.50": 1250_50, "0.01": 1}
        payments = kept[: len(kept) - has_total]
        assert set(tallies) <= {*KINDS, "total"}
        assert whole.rows == len(payments)
        assert whole.cents == sum(readable.get(row[2], 0) for row in payments)
        held = db.session.get_one(PaymentList, list_id)
        actions.throw_away(find_user("supervisor"), held, clock.now())
