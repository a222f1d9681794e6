"""Pages of notices: the inbox, and how much of it is unread on every page of the desk.

Invariant: an account sees its own notices; no page says what somebody else has read.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask, flash, redirect, render_template, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response

from fieldapp.areas import queries as areas
from fieldapp.core import clock, wording
from fieldapp.core.db import transaction
from fieldapp.core.guard import require
from fieldapp.core.menu import count_in_menu
from fieldapp.core.paging import read_page
from fieldapp.notices import actions, channel_routes, queries
from fieldapp.notices.models import Notice
from fieldapp.notices.words import CAUSES

bp = Blueprint("notices", __name__, url_prefix="/notices")

# The page of what a notice is about, and how the page names its key.
PAGES = {
    "channel": ("channels.channel_page", "channel_id"),
    "feedback": ("feedback.feedback_page", "feedback_uuid"),
    "incident": ("incidents.incident_page", "incident_id"),
    "followup": ("followups.followup_page", "followup_id"),
    "referral": ("referrals.referral_page", "referral_id"),
    "relief": ("relief.case_page", "case_id"),
    "report": ("reports.report_page", "report_id"),
    "visit": ("reviews.visit_page", "visit_uuid"),
}


@bp.get("")
@require()
def list_page() -> str:
    """The reader's notices, the unread first."""
    page = read_page()
    notices, has_more = queries.list_notices(current_user.id, page)
    places = areas.name_places(notice.area_code for notice in notices if notice.area_code)
    words = wording.get_words("severity", "followup_type")
    return render_template(
        "notices/list.html",
        rows=[_prepare(notice, places, words["followup_type"]) for notice in notices],
        severities=words["severity"],
        page=page,
        has_more=has_more,
    )


@bp.get("/<int:notice_id>")
@require()
def open_notice(notice_id: int) -> Response:
    """Go to what a notice is about; it is read then."""
    notice = queries.get_notice(notice_id, current_user.id)
    endpoint, key = PAGES[notice.subject]
    target = url_for(endpoint, _external=False, **{key: notice.subject_id})
    if notice.read_at is None:
        with transaction():
            actions.read_notice(notice, clock.now())
    return redirect(target, 303)


@bp.post("/read")
@require()
def read_all() -> Response:
    """All notices are read."""
    with transaction():
        actions.read_all(current_user.id, clock.now())
    flash(gettext("All are marked as read."))
    return redirect(url_for(".list_page"), 303)


def _prepare(notice: Notice, places: dict[str, str], types: dict[str, str]) -> dict[str, Any]:
    due_at = notice.params.get("due_at")
    return {
        "notice": notice,
        "words": CAUSES[notice.cause],
        "place": places.get(notice.area_code or "", ""),
        "type": types.get(notice.params.get("type", ""), ""),
        "due_at": clock.parse_instant(due_at) if due_at else None,
    }


def init_app(app: Flask) -> None:
    """Register the pages, and the count on every page."""
    app.register_blueprint(bp)
    app.register_blueprint(channel_routes.bp)
    count_in_menu(app, "notices", lambda: queries.select_unread(current_user.id))
