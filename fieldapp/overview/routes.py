"""The first page of everybody: what needs them now.

Invariant: every figure is a link to the list it counts.
"""

from __future__ import annotations

from flask import Blueprint, Flask, redirect, render_template, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from fieldapp.core import clock
from fieldapp.core.guard import ADMIN, READERS, SECURITY, SUPERVISOR, WORKER, require
from fieldapp.notices.queries import list_stuck
from fieldapp.overview import coverage_routes, map_routes, queries

bp = Blueprint("overview", __name__)


@bp.get("/")
@require(hand_in=True)
def home() -> str | Response:
    """What waits for whoever reads visits; the others are sent to the page they work on."""
    role = current_user.role
    if role == WORKER:
        return redirect(url_for("assets.shell"))
    if role == ADMIN:
        stuck = len(list_stuck(clock.now()))
        return render_template("overview/admin.html", stuck=stuck)
    if role == SECURITY:
        return redirect(url_for("users.phones_page"))
    if role not in READERS:
        return render_template("overview/no_pages.html")
    return render_template(
        "overview/home.html",
        overview=queries.get_overview(current_user, clock.now()),
        is_supervisor=role == SUPERVISOR,
    )


def init_app(app: Flask) -> None:
    """Register the pages."""
    app.register_blueprint(bp)
    map_routes.init_app(app)
    coverage_routes.init_app(app)
