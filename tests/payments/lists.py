"""Payment lists of invented people, and one from upload to end."""

from __future__ import annotations

import io
import uuid
from collections.abc import Sequence
from datetime import date

from flask import Flask

from fieldapp.aid import actions as aid
from fieldapp.aid.actions import Given, Subject
from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.payments import actions, queries
from fieldapp.payments.models import RUNNING, PaymentList
from fieldapp.payments.rules import Whole
from fieldapp.people.actions import add_household
from fieldapp.people.models import Household, Person
from tests.imports.rosters import LIMITS, as_csv, find_user, make_id

HEADER = ("姓名", "身份证号", "金额")
DIBAO = Whole("dibao", "public", "2026-10", date(2026, 11, 5))
MONTH = "2026-10"


def register(grid: str, name: str, number: int | None = None, **more) -> Person:
    """A household of one, in a transaction; returns who lives there."""
    person = Person(
        person_uuid=str(uuid.uuid4()),
        name=name,
        sex="f",
        birth_on=date(1950, 5, 4),
        main_class="dibao_rural",
        risk="low",
        **({"id_number": make_id(number)} if number is not None else {}),
        **more,
    )
    household = Household(
        household_uuid=str(uuid.uuid4()), grid_code=grid, name=name, address="幸福村2组", people=[person]
    )
    add_household(household, clock.now())
    return person


def promise(
    person: Person, cents: int, *, given: bool = False, by: str = "supervisor", for_all: bool = False, **more
) -> str:
    """Money due (or given) to somebody for the month, in a transaction; gives its key."""
    terms = {"kind": "cash", "programme": "dibao", "source": "public", "period": MONTH, **more}
    on = terms.pop("on", date(2026, 11, 5))
    entry = aid.enter_aid(
        find_user(by),
        str(uuid.uuid4()),
        Subject(household=person.household, person_uuid=None if for_all else person.person_uuid),
        Given(amount_cents=cents, **terms),
        is_given=given,
        on=on,
        received_by=None,
        now=clock.now(),
    )
    return entry.aid_uuid


def stage(
    app: Flask,
    rows: Sequence[Sequence[str]],
    *,
    header: Sequence[str] = HEADER,
    whole: Whole = DIBAO,
    username: str = "supervisor",
) -> int:
    """Take a list in and compare it; gives its number."""
    with app.app_context():
        user = find_user(username)
        held = actions.stage(user, "发放明细.csv", io.BytesIO(as_csv([header, *rows])), LIMITS, clock.now())
        with transaction():
            actions.choose_columns(user, held, held.fields, whole, clock.now())
        run(held.list_id)
        return held.list_id


def run(list_id: int) -> PaymentList:
    """Go on with what runs until it does not; inside an app context."""
    while True:
        held = actions.go_on(list_id, clock.now(), 60)
        if held.state not in RUNNING:
            return held


def take(app: Flask, list_id: int, username: str = "supervisor") -> PaymentList:
    """Take in what was compared."""
    with app.app_context():
        with transaction():
            held = db.session.get_one(PaymentList, list_id)
            actions.start_taking(find_user(username), held, reason="财政局明细", now=clock.now())
        return run(list_id)


def undo(
    app: Flask, list_id: int, username: str = "supervisor", *, with_reversed: bool = False
) -> PaymentList:
    """Take it back."""
    with app.app_context():
        with transaction():
            held = db.session.get_one(PaymentList, list_id)
            actions.start_undoing(
                find_user(username), held, reason="发错", with_reversed=with_reversed, now=clock.now()
            )
        return run(list_id)


def kinds(app: Flask, list_id: int) -> dict[int, str | None]:
    """What each row is, by its number in the file."""
    with app.app_context():
        rows, _ = queries.list_rows(list_id, None, 1)
        return {row.number: row.kind for row in rows}
