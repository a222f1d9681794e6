"""What a village of payees is paid: a list of them, what stands in the books, and what is done with a list."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import func, select

from fieldapp.aid.models import Aid
from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.payments import actions
from fieldapp.payments.actions import Decision
from fieldapp.payments.models import PaymentList, PaymentRow
from fieldapp.people.models import DeclaredRelative, Person
from fieldapp.reports import recount
from fieldapp.rollups.queries import read_all
from tests.imports.rosters import find_user, make_id
from tests.payments.lists import kinds, run


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


def find_id(app, username: str) -> int:
    with app.app_context():
        return find_user(username).id


def decide(app, list_id, number, decision="take", chosen=None, by="supervisor") -> PaymentRow:
    with app.app_context(), transaction():
        held = db.session.get_one(PaymentList, list_id)
        how = Decision(decision=decision, reason="已电话核实", chosen_uuid=chosen)
        return actions.decide(find_user(by), held, number, how, clock.now())


def again(app, list_id: int, username: str = "supervisor") -> dict[int, str | None]:
    """Compare once more; what each row is then."""
    with app.app_context():
        with transaction():
            held = db.session.get_one(PaymentList, list_id)
            actions.compare_again(find_user(username), held, clock.now())
        run(list_id)
    return kinds(app, list_id)


def declare_relative(name: str, username: str = "supervisor") -> None:
    """In a transaction."""
    person = db.session.scalars(select(Person).where(Person.name == name)).one()
    declared = {"person_uuid": person.person_uuid, "relation": "弟", "declared_at": clock.now()}
    db.session.add(DeclaredRelative(user_id=find_user(username).id, **declared))
