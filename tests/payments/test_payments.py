"""A payment list from file to undo: every row is somewhere, nothing is entered twice, and all can be taken back."""

from __future__ import annotations

import io
from collections import Counter
from datetime import date
from threading import Barrier, Thread
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings as hypothesis_settings, strategies as st
from sqlalchemy import select

from fieldapp.aid import actions as aid_actions
from fieldapp.aid.models import Aid
from fieldapp.core import clock
from fieldapp.core.audit import AuditEntry
from fieldapp.core.db import db, transaction
from fieldapp.core.errors import AppError
from fieldapp.payments import actions, queries
from fieldapp.payments.models import CHECKED, TAKEN, TAKING, UNDONE, PaymentList
from fieldapp.payments.rules import KINDS
from fieldapp.payments.workbook import write_unmatched
from fieldapp.people.models import Person
from tests import statements
from tests.factories import GRID
from tests.imports.rosters import find_user, make_id
from tests.payments.lists import HEADER, kinds, promise, register, run, stage, take, undo
from tests.payments.village import (
    ROWS,
    again,
    books,
    decide,
    declare_relative,
    find_id,
    is_counted_right,
    money,
)

pytestmark = pytest.mark.usefixtures("county")


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
        assert list(deeds) == ["payments.bring", "payments.columns", "payments.take", "payments.undo"]
        assert deeds["payments.take"] == {"rows": 2, "cents": 1000_00, "reason": "财政局明细"}

    # What was taken back may come again, and pays what is due again.
    again = stage(app, ROWS)
    assert list(kinds(app, again).values()) == [*FOUND, "faulty", "total"]
    take(app, again)
    assert money(app) == 1500_00
    assert is_counted_right(app)


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
            held = db.session.get_one(PaymentList, list_id)
            actions.compare_again(find_user("supervisor"), held, clock.now())
        assert run(list_id).state == CHECKED
        assert queries.get_row(list_id, 10).kind == "new"
        assert queries.get_row(list_id, 2).is_taken
    take(app, list_id)
    assert books(app)[("查无人", "given", "2026-10")] == 500_00
    with app.app_context():
        assert queries.sum_taken(list_id) == queries.Tally(2, 1000_00)
    assert is_counted_right(app)


def test_a_decision_does_not_stand_for_what_a_row_has_become_since(app, village):
    list_id = stage(app, [ROWS[1], ROWS[5]])
    decide(app, list_id, 2)
    with app.app_context():
        chosen = queries.get_row(list_id, 3).candidates[0]
    decide(app, list_id, 3, chosen=chosen)
    with app.app_context(), transaction():
        promise(db.session.scalars(select(Person).where(Person.name == "差额人")).one(), 30_00)
        promise(db.session.get_one(Person, chosen), 30_00)
    take(app, list_id)
    with app.app_context():
        for number, kind in ((2, "differs"), (3, "several")):
            row = queries.get_row(list_id, number)
            assert (row.kind, row.left, row.is_taken) == (kind, "changed", False)
            assert (row.decision, row.decided_by, row.decided_reason, row.chosen_uuid) == (None,) * 4
        # Of several people nobody is meant until somebody chooses again.
        assert (row.person_uuid, row.household_uuid, row.cancels) == (None, None, [])


def test_what_is_due_again_says_a_month_only_where_it_did_before(app, village):
    with app.app_context(), transaction():
        promise(register(GRID, "无月人", 11), 500_00, period=None, on=date(2026, 10, 20))
    list_id = stage(app, [["无月人", make_id(11), "500"], ROWS[0]])
    assert list(kinds(app, list_id).values()) == ["due", "due"]
    take(app, list_id)
    assert books(app)[("无月人", "given", "2026-10")] == 500_00
    undo(app, list_id)
    undone = books(app)
    assert undone[("无月人", "due", None)] == 500_00
    assert undone[("应发人", "due", "2026-10")] == 500_00
    # And once more, with what the first time made.
    again = stage(app, [["无月人", make_id(11), "500"], ROWS[0], ["", "", ""]])
    take(app, again)
    undo(app, again)
    assert books(app)[("无月人", "due", None)] == 500_00


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


def test_each_row_more_asks_the_database_for_a_handful_of_statements(app, village):
    with app.app_context(), transaction():
        for number in range(20, 60):
            person = register(GRID, f"人{number}", number)
            if number % 2:
                promise(person, 100_00)
    rows = [[f"人{number}", make_id(number), "100"] for number in range(20, 60)]
    asked = []
    for some in (rows[:8], rows[8:]):
        with statements.noted() as sent:
            list_id = stage(app, some)
            compared = len(sent)
            take(app, list_id)
            taken = len(sent)
            undo(app, list_id)
        asked.append((compared, taken - compared, len(sent) - taken))
    more = len(rows) - 2 * 8
    for few, many, limit in zip(*asked, (1, 6, 8), strict=True):
        assert many - few <= limit * more


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
