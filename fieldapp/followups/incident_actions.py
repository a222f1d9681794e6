"""Writes of incidents: raised at once, one level up when nobody answers, answered by a person.

Invariant: each step is an event and an audit entry in one transaction, and no hour of the day holds any of them back.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from fieldapp.core import audit, scope
from fieldapp.core.codes import find_code
from fieldapp.core.db import db, transaction
from fieldapp.core.errors import AppError
from fieldapp.core.guard import READERS
from fieldapp.followups import incident_queries as queries, rules
from fieldapp.followups.models import Followup, Incident, IncidentEvent
from fieldapp.notices.actions import COUNTY, EVERYTHING, Matter, settle, tell
from fieldapp.people import queries as people
from fieldapp.users import queries as users
from fieldapp.users.models import User
from fieldapp.visits import queries as visits
from fieldapp.visits.models import Visit

RED = "red"
# Where the code table says nothing of it.
ACKNOWLEDGE_MINUTES = 30
QUARANTINED = {
    "zh": "手机报来红色情况，但记录没能入库，正等人处理",
    "en": "A phone reported something red, but the record could not be taken in and waits for somebody",
}


def raise_for_flag(
    flag_id: int, visit: Visit, grid_code: str, reason: Any, now: datetime, *, is_abuse: bool = False
) -> Incident:
    """The incident of a visit, made with its first red flag; another red flag asks for an answer once more.

    The visit is locked by the caller, so looking first and then adding is safe.
    """
    incident = queries.find_of_visit(visit.visit_uuid)
    if incident is None:
        incident = _add(now, grid_code, visit_uuid=visit.visit_uuid, household_uuid=visit.household_uuid)
    elif _was_raised_by(incident, flag_id):
        return incident
    elif _is_joined(incident, now) and incident.area_code == grid_code:
        # Whoever was told of the quarantine has been told: what they answered holds.
        incident.is_abuse = bool(incident.is_abuse) or is_abuse
        incident.household_uuid, incident.quarantine_key = visit.household_uuid, None
        _note(incident, "raised", now, None, flag_id=flag_id, reason=reason)
        return incident
    elif incident.quarantine_key is not None:
        # Taken in for another place than its worker's: it is the business of others now.
        incident.area_code, incident.household_uuid = grid_code, visit.household_uuid
        incident.quarantine_key = None
    incident.is_abuse = bool(incident.is_abuse) or is_abuse
    incident.raised_at, incident.climbs_at = now, _climbs_at(incident.level, now)
    incident.acknowledged_at = incident.acknowledged_by_id = None
    _alarm(incident, "raised", now, flag_id=flag_id, reason=reason)
    return incident


def raise_for_quarantined(
    key: str, worker: User, visit_uuid: str | None, household_uuid: str | None, now: datetime
) -> Incident | None:
    """The incident of a red operation that could not be applied: nobody waits until somebody has taken it in.

    It lies in the worker's area, and about the household only where that is in it, too. None for an account that never had
    an area: nobody could see it.
    """
    codes = worker.area_codes(now) or worker.last_area_codes(now)
    if not codes:
        return None
    household = people.find_household(household_uuid) if household_uuid else None
    if household is not None and not scope.covers(codes, household.grid_code):
        household = None
    known = visits.find_visit(visit_uuid) if visit_uuid else None
    if known is not None and known.worker_id != worker.id:
        visit_uuid = None
    incident = queries.find_of_visit(visit_uuid) if visit_uuid else None
    if (
        incident is not None
        and known is None
        and not (incident.quarantine_key or "").startswith(f"{worker.id}/")
    ):
        incident = visit_uuid = None
    if incident is None:
        incident = _add(
            now,
            household.grid_code if household else codes[0],
            visit_uuid=visit_uuid,
            household_uuid=household.household_uuid if household else None,
            quarantine_key=key,
        )
    else:
        incident.raised_at, incident.climbs_at = now, _climbs_at(incident.level, now)
        incident.acknowledged_at = incident.acknowledged_by_id = None
        incident.quarantine_key = key
    _alarm(incident, "raised", now, reason=QUARANTINED)
    return incident


def raise_for_task(task: Followup, now: datetime) -> Incident:
    """The incident that a task is which was made red without a visit's flag."""
    incident = _add(now, task.area_code, followup_id=task.followup_id, household_uuid=task.household_uuid)
    incident.is_abuse = task.is_abuse
    _alarm(incident, "raised", now, reason=task.reason)
    return incident


def acknowledge_incident(actor: User, incident_id: int, *, text: str, now: datetime) -> Incident:
    """Answer for an incident, and say what is done about it; raises not_found, incident_answered, reason_needed."""
    incident = db.session.get(Incident, incident_id, with_for_update=True, populate_existing=True)
    if incident is None or not queries.can_read(incident, actor, now):
        raise AppError("not_found")
    if incident.acknowledged_at is not None:
        raise AppError("incident_answered")
    if not text.strip():
        raise AppError("reason_needed")
    incident.acknowledged_at, incident.acknowledged_by_id, incident.climbs_at = now, actor.id, None
    _note(incident, "acknowledged", now, actor, text=text.strip())
    settle("incident", str(incident.id), now)
    return incident


def climb(now: datetime) -> int:
    """Take every incident that nobody answered in time one level up; how many. Two servers at once do it once.

    Runs transactions of its own.
    """
    late = Incident.acknowledged_at.is_(None), Incident.climbs_at <= now
    climbed = 0
    for incident_id in db.session.scalars(select(Incident.id).where(*late).order_by(Incident.id)).all():
        with transaction():
            mine = select(Incident).where(Incident.id == incident_id, *late).with_for_update()
            incident = db.session.scalar(mine.execution_options(populate_existing=True))
            if incident is None:
                continue
            incident.level = rules.next_level(incident.level) or incident.level
            incident.climbs_at = _climbs_at(incident.level, now)
            _alarm(incident, "climbed", now)
            climbed += 1
    return climbed


def _add(now: datetime, area_code: str, **about: str | None) -> Incident:
    level = _first_level(area_code, now)
    incident = Incident(
        area_code=area_code, level=level, raised_at=now, climbs_at=_climbs_at(level, now), **about
    )
    db.session.add(incident)
    db.session.flush()
    return incident


def _first_level(area_code: str, now: datetime) -> str:
    """County; where neither it nor the township has anybody, the first level above that has somebody."""
    present = {
        rules.duty_of(code, area_code)
        for user in users.list_users_covering(area_code, READERS, now)
        for code in user.area_codes(now)
        if area_code.startswith(code)
    }
    for level in rules.INCIDENT_LEVELS:
        if present & set(rules.list_told(area_code, level)):
            return level
    return rules.INCIDENT_LEVELS[-1]


def _was_raised_by(incident: Incident, flag_id: int) -> bool:
    return any(event.flag_id == flag_id for event in queries.list_events([incident.id]))


def _is_joined(incident: Incident, now: datetime) -> bool:
    """Whether the visit of a quarantined operation is being taken in: this is its first red flag, or one more of them."""
    if incident.quarantine_key is not None:
        return True
    events = queries.list_events([incident.id])
    return incident.raised_at < now and any(event.flag_id and event.at == now for event in events)


def _climbs_at(level: str, now: datetime) -> datetime | None:
    if rules.next_level(level) is None:
        return None
    red = find_code("severity", RED)
    return now + timedelta(minutes=(red.extra if red else {}).get("acknowledge_minutes", ACKNOWLEDGE_MINUTES))


def _alarm(incident: Incident, step: str, now: datetime, **more: Any) -> None:
    """Let those know who are to answer now: the desks of `incident_queries.list_alarms`, and who is told of it."""
    _note(incident, step, now, None, **more)
    is_discreet = incident.is_abuse or incident.quarantine_key is not None
    outside = COUNTY if is_discreet else EVERYTHING
    matter = Matter(
        f"incident.{step}", "incident", str(incident.id), incident.area_code, RED, outside=outside
    )
    tell(queries.list_alarmed(incident, now), matter, now)


def _note(incident: Incident, step: str, now: datetime, actor: User | None, **more: Any) -> None:
    db.session.add(
        IncidentEvent(
            incident_id=incident.id,
            at=now,
            step=step,
            level=incident.level,
            actor_id=actor.id if actor else None,
            **more,
        )
    )
    db.session.flush()
    audit.record(
        actor,
        f"incident.{step}",
        "incident",
        incident.id,
        at=now,
        level=incident.level,
        text=more.get("text"),
    )
