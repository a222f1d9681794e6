"""Pages of the people on the list at the desk.

Invariant: every write goes through `people.actions`; numbers are masked here before a template sees them.
"""

from __future__ import annotations

from flask import Blueprint, Flask, render_template

from fieldapp.core.guard import READERS, require
from fieldapp.people import search_routes

bp = Blueprint("people", __name__)


@bp.get("/people")
@require(*READERS)
def people_page() -> str:
    """Where the people on the list are found."""
    return render_template("people/people.html")


def init_app(app: Flask) -> None:
    """Register the pages."""
    app.register_blueprint(bp)
    search_routes.init_app(app)
