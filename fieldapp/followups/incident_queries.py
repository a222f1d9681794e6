"""Reads of incidents: what is red and waits for a person, and whose desk must show it.

Invariant: an incident nobody answered is shown to somebody: where nobody is on duty, to everybody who has the area.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from datetime import datetime

from sqlalchemy import Select, and_, false, func, or_, select
from sqlalchemy.orm import joinedload

from fieldapp.areas.models import LEVELS
from fieldapp.core import scope
from fieldapp.core.db import db
from fieldapp.core.errors import AppError
from fieldapp.core.guard import READERS
from fieldapp.followups import duty_queries, rules
from fieldapp.followups.models import DutyShift, Incident, IncidentEvent
from fieldapp.people import relatives
from fieldapp.users import queries as users
from fieldapp.users.models import User

ANSWERED_ROWS = 50


def get_incident(incident_id: int, reader: User, now: datetime) -> Incident:
    """The incident when it is in scope; raises not_found."""
    incident = db.session.get(Incident, incident_id)
    if incident is None or not can_read(incident, reader, now):
        raise AppError("not_found")
    return incident


def can_read(incident: Incident, reader: User, now: datetime) -> bool:
    """Whether the reader may know of the incident: in scope, and where abuse is suspected no near relative."""
    if not scope.covers(reader.area_codes(now), incident.area_code):
        return False
    return reader.id not in list_kept_out(incident)


def list_kept_out(incident: Incident) -> set[int]:
    """Who must not know of it: near relatives, where abuse is suspected or nobody has looked yet whether it is."""
    return _list_kept_out([incident])[incident.id]


def _list_kept_out(incidents: Sequence[Incident]) -> dict[int, set[int]]:
    households = {
        one.id: one.household_uuid
        for one in incidents
        if (one.is_abuse or one.quarantine_key is not None) and one.household_uuid
    }
    declarers = relatives.list_declarers_of(households.values()) if households else set()
    return {
        one.id: {user_id for household, user_id in declarers if household == households.get(one.id)}
        for one in incidents
    }


def find_of_visit(visit_uuid: str) -> Incident | None:
    """The incident a visit raised, or None."""
    return db.session.scalar(select(Incident).where(Incident.visit_uuid == visit_uuid))


def list_events(incident_ids: Sequence[int]) -> list[IncidentEvent]:
    """The steps of those incidents, oldest first."""
    return list(
        db.session.scalars(
            select(IncidentEvent)
            .where(IncidentEvent.incident_id.in_(incident_ids))
            .order_by(IncidentEvent.id)
        )
    )


def list_open(reader: User, now: datetime) -> list[Incident]:
    """What nobody has answered in the reader's areas, the oldest first."""
    unanswered = _readable(reader, now).where(Incident.acknowledged_at.is_(None))
    return list(db.session.scalars(unanswered.order_by(Incident.raised_at, Incident.id)))


def list_answered(reader: User, now: datetime) -> list[Incident]:
    """What was answered last in the reader's areas, the latest first."""
    answered = _readable(reader, now).where(Incident.acknowledged_at.is_not(None))
    latest = answered.order_by(Incident.acknowledged_at.desc(), Incident.id.desc())
    return list(db.session.scalars(latest.limit(ANSWERED_ROWS)))


def list_alarms(reader: User, now: datetime) -> list[Incident]:
    """The incidents that nobody has answered and the reader's desk must show, the oldest first."""
    codes = reader.area_codes(now)
    above = [func.substr(Incident.area_code, 1, digits) for digits in LEVELS.values()]
    shifts: dict[Incident, list[DutyShift]] = {}
    for incident, shift in db.session.execute(
        select(Incident, DutyShift)
        .outerjoin(DutyShift, and_(DutyShift.area_code.in_(above), *duty_queries.goes_on(now)))
        .where(Incident.acknowledged_at.is_(None), scope.within(Incident.area_code, codes))
        .options(joinedload(DutyShift.user).joinedload(User.scopes))
        .order_by(Incident.raised_at, Incident.id, DutyShift.starts_at, DutyShift.id)
    ).unique():
        shifts.setdefault(incident, []).extend([shift] if shift else [])
    kept_out = _list_kept_out(list(shifts))
    return [
        incident
        for incident, of_area in shifts.items()
        if reader.id not in (out := kept_out[incident.id])
        and _is_alarmed(reader.id, codes, incident, duty_queries.by_area(of_area, now), out)
    ]


def list_alarmed(incident: Incident, now: datetime) -> list[User]:
    """Whose desks must show an incident that nobody has answered, by name; the other side of `list_alarms`."""
    on_duty = duty_queries.list_on_duty(rules.list_told(incident.area_code, incident.level), now)
    kept_out = list_kept_out(incident)
    return [
        user
        for user in users.list_users_covering(incident.area_code, READERS, now)
        if user.id not in kept_out and _is_alarmed(user.id, user.area_codes(now), incident, on_duty, kept_out)
    ]


def _is_alarmed(
    reader_id: int,
    codes: Sequence[str],
    incident: Incident,
    on_duty: Mapping[str, Sequence[DutyShift]],
    kept_out: Set[int],
) -> bool:
    for told in rules.list_told(incident.area_code, incident.level):
        if answering := {shift.user_id for shift in on_duty.get(told, ())} - kept_out:
            if reader_id in answering:
                return True
        elif any(
            incident.area_code.startswith(code) and rules.duty_of(code, incident.area_code) == told
            for code in codes
        ):
            return True
    return False


def _readable(reader: User, now: datetime) -> Select[Incident]:
    """The same as `can_read`, for lists."""
    readable = select(Incident).where(scope.within(Incident.area_code, reader.area_codes(now)))
    if hidden := relatives.list_households_of_relatives(reader.id):
        may_be = or_(Incident.is_abuse, Incident.quarantine_key.is_not(None))
        hides = and_(may_be, func.coalesce(Incident.household_uuid.in_(hidden), false()))
        readable = readable.where(~hides)
    return readable
