"""Reads of incidents: what is red and waits for a person, and whose desk must show it.

Invariant: an incident nobody answered is shown to somebody: where nobody is on duty, to everybody who has the area.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Select, and_, false, func, select

from fieldapp.core import scope
from fieldapp.core.db import db
from fieldapp.core.errors import AppError
from fieldapp.followups import duty_queries, rules
from fieldapp.followups.models import DutyShift, Incident, IncidentEvent
from fieldapp.people import relatives
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
    """Who must not know of it: near relatives, where abuse is suspected."""
    if not incident.is_abuse or incident.household_uuid is None:
        return set()
    return relatives.list_declarer_ids(incident.household_uuid)


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
    incidents = list_open(reader, now)
    told = {code for incident in incidents for code in rules.list_told(incident.area_code, incident.level)}
    on_duty = duty_queries.list_on_duty(told, now) if told else {}
    codes = reader.area_codes(now)
    return [incident for incident in incidents if _is_alarmed(reader.id, codes, incident, on_duty)]


def _is_alarmed(
    reader_id: int, codes: Sequence[str], incident: Incident, on_duty: Mapping[str, Sequence[DutyShift]]
) -> bool:
    kept_out = list_kept_out(incident)
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
        hides = and_(Incident.is_abuse, func.coalesce(Incident.household_uuid.in_(hidden), false()))
        readable = readable.where(~hides)
    return readable
