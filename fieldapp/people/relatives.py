"""近亲属备案: which of the staff have declared that somebody on the list is a near relative of theirs.

Invariant: a declaration that was made or withdrawn is in the audit trail, with who entered it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select

from fieldapp.core import audit, scope
from fieldapp.core.db import db
from fieldapp.core.errors import AppError
from fieldapp.core.guard import READERS, SUPERVISOR, WORKER
from fieldapp.people import queries
from fieldapp.people.models import DeclaredRelative, Household, Person
from fieldapp.users import queries as users
from fieldapp.users.models import User


def is_declared_relative(user_id: int, person_uuid: str) -> bool:
    """Whether that account has declared the person a near relative, under whichever of their entries."""
    standing = queries.list_standing(Person, [person_uuid]).values()
    declared = select(DeclaredRelative.user_id).where(
        DeclaredRelative.user_id == user_id,
        DeclaredRelative.person_uuid.in_(queries.list_behind(Person, standing)),
    )
    return db.session.scalar(declared.limit(1)) is not None


def has_relative_in(user_id: int, household_uuid: str) -> bool:
    """Whether that account has declared somebody of the household a near relative."""
    return user_id in list_declarer_ids(household_uuid)


def list_declarer_ids(household_uuid: str) -> set[int]:
    """The accounts that have declared somebody of the household a near relative."""
    same = queries.list_same(household_uuid)
    merged = queries.list_merged_people(same)
    declared = (
        select(DeclaredRelative.user_id)
        .join(Person, Person.person_uuid == DeclaredRelative.person_uuid)
        .where(Person.household_uuid.in_(same) | Person.person_uuid.in_(merged))
    )
    return set(db.session.scalars(declared))


def list_households_of_relatives(user_id: int) -> list[str]:
    """The keys of all entries of the households in which that account has declared a near relative."""
    declared = db.session.scalars(
        select(DeclaredRelative.person_uuid).where(DeclaredRelative.user_id == user_id)
    ).all()
    if not declared:
        return []
    persons = {*declared, *queries.list_standing(Person, declared).values()}
    households = db.session.scalars(select(Person.household_uuid).where(Person.person_uuid.in_(persons)))
    return list(queries.list_behind(Household, queries.list_standing(Household, households).values()))


def list_declared_of(person_uuids: Iterable[str]) -> list[tuple[str, DeclaredRelative]]:
    """(whom of those people, the declaration), also what was declared of an entry merged into theirs; the first first."""
    behind = queries.list_behind(Person, person_uuids)
    found = db.session.scalars(
        select(DeclaredRelative)
        .where(DeclaredRelative.person_uuid.in_(behind))
        .order_by(DeclaredRelative.declared_at)
    )
    first: dict[tuple[str, int], DeclaredRelative] = {}
    for one in found:
        first.setdefault((behind[one.person_uuid], one.user_id), one)
    return [(person_uuid, one) for (person_uuid, _), one in first.items()]


def list_declared_by(user: User) -> list[tuple[DeclaredRelative, Person, Household]]:
    """The near relatives whom that account has declared, by name."""
    rows = db.session.execute(
        select(DeclaredRelative, Person, Household)
        .join(Person, Person.person_uuid == DeclaredRelative.person_uuid)
        .join(Household, Household.household_uuid == Person.household_uuid)
        .where(DeclaredRelative.user_id == user.id)
        .order_by(Person.name)
    )
    return [(row[0], row[1], row[2]) for row in rows]


def list_declarers(actor: User, household: Household, now: datetime) -> list[User]:
    """For whom the actor may declare: for themselves; a supervisor for all who work where the household is."""
    if actor.role != SUPERVISOR:
        return [actor]
    covering = users.list_users_covering(household.grid_code, (WORKER, *READERS), now)
    return sorted(covering, key=lambda user: user.id != actor.id)


def declare_relative(actor: User, user_id: int, person_uuid: str, relation: str, now: datetime) -> None:
    """Note that the person is a near relative of the account's; declared again, the relation is the new one.

    Raises not_found, also for an account for which the actor may not declare.
    """
    person = queries.get_person(person_uuid, actor.area_codes(now))
    if user_id not in {user.id for user in list_declarers(actor, person.household, now)}:
        raise AppError("not_found")
    values = {"relation": relation, "declared_at": now}
    held = db.session.get(DeclaredRelative, (user_id, person_uuid))
    if held is None:
        db.session.add(DeclaredRelative(user_id=user_id, person_uuid=person_uuid, **values))
    else:
        held.relation = relation
    audit.record(actor, "relative.declare", "person", person_uuid, at=now, user_id=user_id, relation=relation)


def withdraw_relative(actor: User, user_id: int, person_uuid: str, reason: str, now: datetime) -> None:
    """Take a declaration back: one's own, or as a supervisor of the person's area. Raises not_found, reason_needed."""
    if not reason.strip():
        raise AppError("reason_needed")
    person = db.session.get(Person, person_uuid)
    declared = [
        one
        for uuid in queries.list_behind(Person, [person_uuid])
        if (one := db.session.get(DeclaredRelative, (user_id, uuid))) is not None
    ]
    if not declared or person is None or not can_withdraw(actor, user_id, person, now):
        raise AppError("not_found")
    for one in declared:
        db.session.delete(one)
    audit.record(actor, "relative.withdraw", "person", person_uuid, at=now, user_id=user_id, reason=reason)


def can_withdraw(actor: User, user_id: int, person: Person, now: datetime) -> bool:
    """Whether the actor may take the account's declaration back."""
    in_scope = scope.covers(actor.area_codes(now), person.household.grid_code)
    return in_scope and (user_id == actor.id or actor.role == SUPERVISOR)
