"""Pages on which a supervisor types a visit for a worker (代录), and what those pages send.

Invariant: every write goes through `entry.actions`, which checks areas, worker and date again.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Blueprint, Flask, jsonify, redirect, render_template, request, url_for
from flask_babel import get_locale, gettext
from flask_login import current_user
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from fieldapp.checklists import queries as checklists
from fieldapp.checklists.models import ChecklistVersion
from fieldapp.core import clock, scope, storage, wording
from fieldapp.core.db import transaction
from fieldapp.core.errors import AppError
from fieldapp.core.guard import SUPERVISOR, require
from fieldapp.core.web import pick_text
from fieldapp.entry import actions
from fieldapp.entry.forms import EntryForm, make_form
from fieldapp.people import queries as people
from fieldapp.people.models import Household
from fieldapp.reviews import actions as review_actions, queries as reviews
from fieldapp.users import queries as users
from fieldapp.users.models import User
from fieldapp.visits import queries as visits

bp = Blueprint("entry", __name__)


@bp.get("/households/<uuid:household_uuid>/entry")
@require(SUPERVISOR)
def start_page(household_uuid: UUID) -> str:
    """Who went when, how, and whom they saw; what the address says is filled in."""
    household = people.get_household(str(household_uuid), current_user.area_codes())
    living = [one.person_uuid for one in household.people if not (one.died_on or one.moved_away_on)]
    query = request.args or MultiDict([("people", one) for one in living])
    return _show_start(household, make_form(query), checks=False)


@bp.get("/households/<uuid:household_uuid>/entry/form")
@require(SUPERVISOR)
def form_page(household_uuid: UUID) -> str | tuple[str, int] | Response:
    """The checklist in force on that day, to be filled in."""
    household = people.get_household(str(household_uuid), current_user.area_codes())
    if not request.args:
        return redirect(url_for(".start_page", household_uuid=household_uuid))
    now = clock.now()
    form = make_form(request.args)
    workers = _offer(form, household, now)
    if not form.validate() or not _fits(form, household, workers, now):
        return _show_start(household, form, checks=True), 422
    worker = next(one for one in workers if one.id == form.worker_id.data)
    version = _find_version(form, household, now)
    return _show_form(
        household,
        worker,
        version,
        {
            "visit_uuid": str(uuid.uuid4()),
            "base": None,
            "at": clock.iso(form.at),
            "method": form.method.data,
            "people": form.people.data,
            "answers": None,
            "photos": {},
        },
        f"{url_for('.start_page', household_uuid=household_uuid)}?{request.query_string.decode()}",
    )


@bp.get("/reviews/<uuid:visit_uuid>/correct")
@require(SUPERVISOR)
def correct_page(visit_uuid: UUID) -> str | Response:
    """A visit typed here that was returned, with its answers, to be corrected."""
    visit = visits.get_visit(str(visit_uuid), current_user.area_codes())
    if not actions.can_correct(visit) or visit.household_uuid is None:
        return redirect(url_for("reviews.visit_page", visit_uuid=visit_uuid))
    household = people.get_household(visit.household_uuid, current_user.area_codes())
    revision = visits.get_revision(visit)
    uses = storage.list_uses("visit", visit.visit_uuid, visit.revision)
    return _show_form(
        household,
        users.get_user(visit.worker_id),
        checklists.get_version(revision.checklist_key, revision.checklist_version),
        {
            "visit_uuid": visit.visit_uuid,
            "base": visit.revision,
            "at": clock.iso(revision.finished_at),
            "method": visit.method,
            "people": revision.people,
            "answers": revision.answers,
            "photos": {
                use.sha256: {
                    "taken_at": clock.iso(use.taken_at),
                    "size": use.size,
                    "here": False,
                    "name": use.name,
                    "type": held.media_type if held else None,
                }
                for use, held in uses
            },
        },
        url_for("reviews.visit_page", visit_uuid=visit_uuid),
        returned=next(
            (one for one in reversed(reviews.list_reviews(visit.visit_uuid)) if one.decision == "returned"),
            None,
        ),
    )


@bp.post("/api/households/<uuid:household_uuid>/entry")
@require(SUPERVISOR)
def enter(household_uuid: UUID) -> Response:
    """Store what was typed; `{address}`: where it is read."""
    try:
        sent = request.get_json(silent=True)
    except RecursionError:
        sent = None
    with transaction():
        visit = actions.enter_visit(current_user, str(household_uuid), sent, clock.now())
        address = url_for("reviews.visit_page", visit_uuid=visit.visit_uuid)
    return jsonify(address=address)


@bp.url_value_preprocessor
def _let_attachments_in(endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """As for phones: each kind of attachment has a limit of its own, checked while it arrives."""
    if endpoint == "entry.put_attachment":
        request.max_content_length = max(storage.limits().values()) + 1024


@bp.put("/api/households/<uuid:household_uuid>/entry/attachments/<sha256>")
@require(SUPERVISOR)
def put_attachment(household_uuid: UUID, sha256: str) -> tuple[Response, int]:
    """Take a photo or file that belongs to what is being typed, under the hash of its bytes."""
    people.get_household(str(household_uuid), current_user.area_codes())
    if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
        raise AppError("not_found")
    is_new = review_actions.store_attachment(sha256, request.stream, current_user.id, clock.now())
    return jsonify(sha256=sha256), 201 if is_new else 200


def _offer(form: EntryForm, household: Household, now: datetime) -> list[User]:
    """Fill in what the form offers; returns the workers."""
    workers = actions.list_workers(household, current_user, now)
    form.worker_id.choices = [(one.id, _name_worker(one, household, now)) for one in workers]
    form.method.choices = list(wording.get_words("method")["method"].items())
    form.people.choices = [(one.person_uuid, one.name or gettext("no name")) for one in household.people]
    today = clock.local_date(now)
    form.checklist.choices = [
        (one.key, pick_text(one.document["title"]))
        for one in checklists.list_visit_versions(household.grid_code, form.day.data or today, today)
    ]
    return workers


def _name_worker(worker: User, household: Household, now: datetime) -> str:
    """The worker's name; of one who no longer works there it says so."""
    if scope.covers(worker.area_codes(now), household.grid_code):
        return worker.display_name
    return gettext("%(name)s (no longer in this grid)", name=worker.display_name)


def _fits(form: EntryForm, household: Household, workers: list[User], now: datetime) -> bool:
    """Whether the worker could have made that visit; where not, the form says why."""
    try:
        actions.check_when(form.at, now)
    except AppError as error:
        form.day.errors = [error.message]
        return False
    worker = next(one for one in workers if one.id == form.worker_id.data)
    grid_code = people.get_grid_at(household, form.at)
    if not scope.covers(current_user.area_codes(now), grid_code) or not scope.covers(
        worker.area_codes(form.at), grid_code
    ):
        form.worker_id.errors = [AppError("worker_not_there").message]
        return False
    if _find_version(form, household, now) is None:
        form.checklist.errors = [gettext("This checklist is not used for visits there.")]
        return False
    return True


def _find_version(form: EntryForm, household: Household, now: datetime) -> Any:
    grid_code = people.get_grid_at(household, form.at)
    found = checklists.list_visit_versions(grid_code, clock.local_date(form.at), clock.local_date(now))
    return next((one for one in found if one.key == form.checklist.data), None)


def _show_start(household: Household, form: EntryForm, *, checks: bool) -> str:
    now = clock.now()
    if not checks:
        _offer(form, household, now)
    return render_template(
        "entry/start.html",
        household=household,
        form=form,
        today=clock.local_date(now),
        earliest=clock.local_date(now - actions.OLDEST),
    )


def _show_form(
    household: Household,
    worker: User,
    version: ChecklistVersion,
    visit: dict[str, Any],
    back: str,
    returned: Any = None,
) -> str:
    at = clock.parse_instant(visit["at"])
    language = str(get_locale())
    context = actions.form_context(worker, household, visit["people"], visit["method"], at)
    return render_template(
        "entry/form.html",
        household=household,
        worker=worker,
        title=pick_text(version.document["title"]),
        at=at,
        method=wording.get_words("method")["method"].get(visit["method"], ""),
        names=[one["name"] for one in context["people"]],
        back=back,
        returned=returned,
        entry={
            **visit,
            "worker_id": worker.id,
            "checklist": {"key": version.key, "version": version.version},
            "document": version.document,
            "context": {**context, "language": language},
            "language": language,
            "notes": (returned.notes or {}) if returned else {},
            "limits": storage.limits(),
        },
    )


def init_app(app: Flask) -> None:
    """Register the pages."""
    app.register_blueprint(bp)
