"""Pages of feedback: what waits for an answer, and one with its answer.

Invariant: nothing is counted by worker.
"""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Flask, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user
from sqlalchemy import Select
from werkzeug.wrappers import Response

from fieldapp.areas import queries as areas
from fieldapp.core import clock
from fieldapp.core.db import transaction
from fieldapp.core.errors import AppError
from fieldapp.core.guard import require
from fieldapp.core.menu import count_in_menu
from fieldapp.core.paging import read_page
from fieldapp.feedback import actions, queries
from fieldapp.feedback.forms import AnswerForm
from fieldapp.feedback.words import STATES, TOPICS
from fieldapp.users import queries as users

bp = Blueprint("feedback", __name__, url_prefix="/feedback")


@bp.get("")
@require(*queries.ANSWERERS)
def list_page() -> str:
    """What waits for the reader's answer, the oldest first; or what was answered."""
    page, asked = read_page(), request.args.get("view", "")
    view = asked if asked in queries.VIEWS else "waiting"
    rows, has_more = queries.list_feedback(current_user, view, page)
    return render_template(
        "feedback/list.html",
        rows=rows,
        has_more=has_more,
        page=page,
        view=view,
        names=users.get_display_names(row.user_id for row in rows),
        places=areas.name_places(row.area_code for row in rows if row.area_code),
        topics=TOPICS,
        states=STATES,
    )


@bp.get("/<uuid:feedback_uuid>")
@require(*queries.ANSWERERS)
def feedback_page(feedback_uuid: UUID) -> str:
    """One feedback, what came before it, and its answer."""
    return _show(str(feedback_uuid), AnswerForm(formdata=None))


@bp.post("/<uuid:feedback_uuid>/answer")
@require(*queries.ANSWERERS)
def answer(feedback_uuid: UUID) -> str | tuple[str, int] | Response:
    """Answer it."""
    form = AnswerForm()
    if not form.validate_on_submit():
        return _show(str(feedback_uuid), form), 422
    try:
        with transaction():
            actions.answer_feedback(current_user, str(feedback_uuid), form.answer.data or "", clock.now())
    except AppError as error:
        if error.code == "not_found":
            raise
        return _show(str(feedback_uuid), form, error), error.status
    flash(gettext("Answered. It stands on the sender's phone after its next update."))
    return redirect(url_for(".list_page"), 303)


def _show(feedback_uuid: str, form: AnswerForm, error: AppError | None = None) -> str:
    feedback = queries.get_feedback(feedback_uuid, current_user)
    earlier = queries.list_earlier(feedback, current_user)
    ids = {id_ for one in (feedback, *earlier) for id_ in (one.user_id, one.answered_by_id) if id_}
    return render_template(
        "feedback/feedback.html",
        feedback=feedback,
        thread=[*earlier, feedback],
        names=users.get_display_names(ids),
        place=areas.name_places([feedback.area_code]).get(feedback.area_code, "")
        if feedback.area_code
        else "",
        topics=TOPICS,
        states=STATES,
        form=form,
        error=error,
    )


def _select_waiting() -> Select[str, int] | None:
    """What the menu counts for those who answer."""
    return queries.select_waiting(current_user) if current_user.role in queries.ANSWERERS else None


def init_app(app: Flask) -> None:
    """Register the pages, and the figure of the menu."""
    app.register_blueprint(bp)
    count_in_menu(app, "feedback", _select_waiting)
