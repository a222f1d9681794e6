"""近亲属备案: which of the staff have declared that somebody on the list is a near relative of theirs.

Invariant: a declaration that was made or withdrawn is in the audit trail, with who entered it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import cache

from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import aliased, lazyload

from fieldapp.areas.models import LEVELS
from fieldapp.core import audit, scope
from fieldapp.core.db import db, once, remembered
from fieldapp.core.errors import AppError
from fieldapp.core.guard import READERS, SUPERVISOR, WORKER
from fieldapp.people import queries
from fieldapp.people.models import DeclaredRelative, Household, Person
from fieldapp.users import queries as users
from fieldapp.users.models import User

# What a transaction that writes keeps of them, by account.
_HOMES = "households_of_relatives"


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
    known = remembered(_HOMES)
    if user_id not in known:
        known[user_id] = frozenset(list_households_of_relatives(user_id))
    return household_uuid in known[user_id]


def list_declarer_ids(household_uuid: str) -> set[int]:
    """The accounts that have declared somebody of the household a near relative."""
    return {user_id for _, user_id in list_declarers_of([household_uuid])}


def list_declarers_of(household_uuids: Iterable[str]) -> set[tuple[str, int]]:
    """(household, account) of all who have declared somebody of one of those households a near relative."""
    same, merged = queries.find_members(household_uuids)
    lives_in = aliased(Person)
    declared = (
        select(same.c.start, DeclaredRelative.user_id)
        .join(lives_in, lives_in.household_uuid == same.c.uuid)
        .join(merged, merged.c.start == lives_in.person_uuid)
        .join(DeclaredRelative, DeclaredRelative.person_uuid == merged.c.uuid)
        .where((merged.c.steps == 0) | lives_in.merged_into.is_(None))
    )
    return {(row[0], row[1]) for row in db.session.execute(declared)}


@once
def list_households_of_relatives(user_id: int) -> list[str]:
    """The keys of all entries of the households in which that account has declared a near relative."""
    return list(db.session.scalars(_select_households(), {"user_id": user_id}))


@cache
def _select_households() -> Select[str]:
    # Put together once: every page asks.
    of_user = DeclaredRelative.user_id == bindparam("user_id")
    declared = select(DeclaredRelative.person_uuid).where(of_user)
    households = select(Person.household_uuid).where(Person.person_uuid.in_(queries.select_entries(declared)))
    return queries.select_same(Household.household_uuid.in_(households))


def list_declared_of(person_uuids: Iterable[str]) -> list[tuple[str, DeclaredRelative, User]]:
    """(whom of those people, the declaration, whose), also what was declared of an entry merged into theirs; the first first."""
    behind = queries.select_behind(Person, person_uuids).subquery()
    entry, person = behind.c
    found = db.session.execute(
        select(person, DeclaredRelative, User)
        .join(DeclaredRelative, DeclaredRelative.person_uuid == entry)
        .join(User, User.id == DeclaredRelative.user_id)
        .options(lazyload(User.scopes))
        .order_by(DeclaredRelative.declared_at)
    )
    first: dict[tuple[str, int], tuple[DeclaredRelative, User]] = {}
    for person_uuid, one, user in found:
        first.setdefault((person_uuid, user.id), (one, user))
    return [(person_uuid, *declared) for (person_uuid, _), declared in first.items()]


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
    """For whom the actor may declare: for themselves; a supervisor for all who work where the household is or elsewhere in
    its township, who may be sent there to look at a visit again.
    """
    if actor.role != SUPERVISOR:
        return [actor]
    covering = users.list_users_covering(household.grid_code, (WORKER, *READERS), now)
    known = {user.id for user in covering}
    township = household.grid_code[: LEVELS["township"]]
    others = users.list_users_within(township, (WORKER, *READERS), now)
    covering += [user for user in others if user.id not in known]
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
    remembered(_HOMES).clear()
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
    remembered(_HOMES).clear()
    audit.record(actor, "relative.withdraw", "person", person_uuid, at=now, user_id=user_id, reason=reason)


def can_withdraw(actor: User, user_id: int, person: Person, now: datetime) -> bool:
    """Whether the actor may take the account's declaration back."""
    in_scope = scope.covers(actor.area_codes(now), person.household.grid_code)
    return in_scope and (user_id == actor.id or actor.role == SUPERVISOR)
