"""Pages of incidents: what is red and waits for a person, one of them, answering for it; and the line on every page.

Invariant: whoever is to answer sees the line on every page of the desk until somebody has.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import Blueprint, Flask, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext, lazy_gettext
from flask_login import current_user
from werkzeug.wrappers import Response

from fieldapp.areas import queries as areas
from fieldapp.core import clock, wording
from fieldapp.core.db import transaction
from fieldapp.core.errors import AppError
from fieldapp.core.forms import Form, text_area
from fieldapp.core.guard import OFFICER, READERS, SUPERVISOR, require, unattended
from fieldapp.followups import (
    duty_queries,
    incident_actions as actions,
    incident_queries as queries,
    queries as followups,
    rules,
)
from fieldapp.followups.models import Followup, Incident
from fieldapp.people import queries as people
from fieldapp.users import queries as users
from fieldapp.visits import queries as visits

bp = Blueprint("incidents", __name__, url_prefix="/incidents")

STEPS: Mapping[str, Any] = {
    "raised": lazy_gettext("Raised: township and county are told"),
    "climbed": lazy_gettext("Nobody answered in time: one level up"),
    "acknowledged": lazy_gettext("Answered"),
}
LEVELS: Mapping[str, Any] = {
    "county": lazy_gettext("township and county"),
    "city": lazy_gettext("the city"),
    "province": lazy_gettext("the province"),
}


class AnswerForm(Form):
    """What whoever answers is going to do."""

    text = text_area(
        lazy_gettext("What you do about it"),
        required=lazy_gettext("Write what you do, so that the others know."),
        placeholder=lazy_gettext("Called the village doctor, on my way to the house."),
    )


@bp.get("")
@require(*READERS)
def list_page() -> str:
    """What nobody has answered yet, those the reader is to answer first; and what was answered last."""
    now = clock.now()
    alarms = {incident.id for incident in queries.list_alarms(current_user, now)}
    waiting = queries.list_open(current_user, now)
    waiting.sort(key=lambda incident: incident.id not in alarms)
    return render_template(
        "followups/incidents.html",
        waiting=_prepare_rows(waiting, alarms),
        answered=_prepare_rows(queries.list_answered(current_user, now), set()),
        levels=LEVELS,
    )


@bp.get("/alarm")
@unattended
@require(*READERS)
def alarm() -> str | tuple[str, int]:
    """The line for a page that lies open; 204 when nothing red waits for the reader."""
    alarms = queries.list_alarms(current_user, clock.now())
    return render_template("followups/_alarm.html", alarms=alarms) if alarms else ("", 204)


@bp.get("/<int:incident_id>")
@require(*READERS)
def incident_page(incident_id: int) -> str:
    """One incident: why, where, who is on duty for it, and what was done."""
    return _show(incident_id, AnswerForm(formdata=None))


@bp.post("/<int:incident_id>/acknowledge")
@require(*READERS)
def acknowledge(incident_id: int) -> str | tuple[str, int] | Response:
    """Answer for the incident."""
    form = AnswerForm()
    if not form.validate_on_submit():
        return _show(incident_id, form), 422
    try:
        with transaction():
            actions.acknowledge_incident(
                current_user, incident_id, text=form.text.data or "", now=clock.now()
            )
    except AppError as error:
        if error.code == "not_found":
            raise
        return _show(incident_id, form, error), error.status
    flash(gettext("Everybody who was told sees that you answered."))
    return redirect(url_for(".incident_page", incident_id=incident_id), 303)


def _prepare_rows(incidents: list[Incident], alarms: set[int]) -> list[dict[str, Any]]:
    reasons: dict[int, list[Any]] = {}
    for event in queries.list_events([incident.id for incident in incidents]):
        if event.reason:
            reasons.setdefault(event.incident_id, []).append(event.reason)
    names = followups.get_household_names(incident.household_uuid for incident in incidents)
    area_names = areas.get_names(incident.area_code for incident in incidents)
    answered_by = users.get_display_names(
        incident.acknowledged_by_id for incident in incidents if incident.acknowledged_by_id
    )
    return [
        {
            "incident": incident,
            "name": names.get(incident.household_uuid or "", ""),
            "area": area_names.get(incident.area_code, ""),
            "reasons": reasons.get(incident.id, []),
            "answered_by": answered_by.get(incident.acknowledged_by_id or 0, ""),
            "is_yours": incident.id in alarms,
        }
        for incident in incidents
    ]


def _show(incident_id: int, form: AnswerForm, error: AppError | None = None) -> str:
    now = clock.now()
    incident = queries.get_incident(incident_id, current_user, now)
    visit = visits.find_visit(incident.visit_uuid) if incident.visit_uuid else None
    events = queries.list_events([incident.id])
    names = users.get_display_names(
        {event.actor_id for event in events if event.actor_id} | ({visit.worker_id} if visit else set())
    )
    return render_template(
        "followups/incident.html",
        incident=incident,
        household=people.find_household(incident.household_uuid) if incident.household_uuid else None,
        visit=visit,
        worker=names.get(visit.worker_id, "") if visit else "",
        area_path=" ".join(area.name for area in areas.list_path(incident.area_code)[2:]),
        reasons=[event.reason for event in events if event.reason],
        tasks=_list_tasks(incident, now),
        quarantine=f"/quarantine/{incident.quarantine_key}"
        if incident.quarantine_key and current_user.role in (SUPERVISOR, OFFICER)
        else None,
        duty=_list_duty(incident, now),
        steps=[
            {"event": event, "word": STEPS[event.step], "who": names.get(event.actor_id or 0, "")}
            for event in reversed(events)
        ],
        words=wording.get_words("severity", "followup_type"),
        states=wording.FOLLOWUP_STATES,
        levels=LEVELS,
        form=form if incident.acknowledged_at is None else None,
        error=error,
    )


def _list_tasks(incident: Incident, now: datetime) -> list[Followup]:
    if incident.followup_id is None:
        tasks = followups.list_followups_of_visit(incident.visit_uuid) if incident.visit_uuid else []
        return [task for task in tasks if followups.may_read(task, current_user, now)]
    return [followups.get_followup(incident.followup_id, current_user, now)]


def _list_duty(incident: Incident, now: datetime) -> list[dict[str, Any]]:
    """Who is told of the incident, the nearest first: those on duty now, or everybody of the area."""
    told = rules.list_told(incident.area_code, incident.level)
    on_duty = duty_queries.list_on_duty(told, now)
    return [
        {"area": area, "shifts": on_duty.get(area.code, [])}
        for area in sorted(areas.list_areas(told), key=lambda area: -len(area.code))
    ]


def _sound_alarm() -> dict[str, Any]:
    """What every page of the desk shows its reader until somebody has answered."""
    if g.get("failed") or request.blueprint == "assets" or not current_user.is_authenticated:
        return {}
    if current_user.role not in READERS:
        return {}
    return {"alarms": queries.list_alarms(current_user, clock.now())}


def init_app(app: Flask) -> None:
    """Register the pages, and the line on every page."""
    app.register_blueprint(bp)
    app.context_processor(_sound_alarm)
