"""Who must be seen: counts from area to area down to names, who was not reached, and how grids could help each other.

Invariant: areas stand in the order of their codes, never of their figures; nothing is counted per worker.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple
from datetime import date, timedelta
from typing import Any

from flask import Blueprint, Flask, render_template, request
from flask_login import current_user

from fieldapp.areas import queries as areas
from fieldapp.areas.models import LEVELS, Area
from fieldapp.core import clock, scope, wording
from fieldapp.core.errors import AppError
from fieldapp.core.guard import READERS, require
from fieldapp.core.paging import read_page
from fieldapp.people import due_queries, queries as people, rules
from fieldapp.people.due_queries import WEEK_DAYS, DueCount
from fieldapp.people.models import Household
from fieldapp.users import queries as users
from fieldapp.visits import queries as visits

# From this level down the names are listed.
NAMES_FROM = "township"
VIEWS = ("overdue", "week")
MOST_SUGGESTIONS = 5

bp = Blueprint("due", __name__)


@bp.get("/due")
@require(*READERS)
def due_page() -> str:
    """The area in the address, or all of the reader's: figures of the areas below it, and from a township down the names."""
    codes = current_user.area_codes()
    area = _read_area(codes)
    view = request.args.get("view", "")
    view = view if view in VIEWS else "overdue"
    today = clock.local_date(clock.now())
    within = [area.code] if area else codes
    rows = _count_below(area, codes, today)
    shows_names = area is not None and len(area.code) >= LEVELS[NAMES_FROM]
    before = today if view == "overdue" else today + timedelta(days=WEEK_DAYS)
    page = read_page()
    found, has_more = due_queries.list_due(within, before, page) if shows_names else ([], False)
    return render_template(
        "reviews/due.html",
        area=area,
        path=[above for above in areas.list_path(area.code) if scope.covers(codes, above.code)]
        if area
        else [],
        rows=rows,
        total=DueCount(
            sum(row["count"].overdue for row in rows), sum(row["count"].this_week for row in rows)
        ),
        view=view,
        views=VIEWS,
        shows_names=shows_names,
        households=_prepare(found, before),
        page=page,
        has_more=has_more,
    )


@bp.get("/due/suggestions")
@require(*READERS)
def suggestions_page() -> str:
    """How grids could help each other this week: a part of the page of a township or a village, or a page by itself."""
    area = _read_area(current_user.area_codes())
    shows_names = area is not None and len(area.code) >= LEVELS[NAMES_FROM]
    helps = _suggest(area, clock.local_date(clock.now())) if area is not None and shows_names else []
    page = "reviews/_suggestions.html" if request.headers.get("HX-Request") else "reviews/suggestions.html"
    return render_template(page, area=area, helps=helps)


def _read_area(codes: Sequence[str]) -> Area | None:
    """The area asked for, or the reader's only one; None for all of several. Raises not_found outside their areas."""
    asked = request.args.get("area", "")
    if not asked:
        return areas.find_area(codes[0]) if len(codes) == 1 else None
    area = areas.find_area(asked)
    if area is None or not scope.covers(codes, area.code):
        raise AppError("not_found")
    return area


def _count_below(area: Area | None, codes: Sequence[str], today: date) -> list[dict[str, Any]]:
    """The areas directly below, each with its figures; of a grid, itself."""
    if area is None:
        below = [found for code in sorted(codes) if (found := areas.find_area(code))]
    else:
        below = areas.list_children([area.code]) or [area]
    counts: dict[str, DueCount] = {}
    for digits in {len(one.code) for one in below}:
        of_level = [one.code for one in below if len(one.code) == digits]
        counts |= due_queries.count_due([area.code] if area else of_level, digits, today)
    return [{"area": one, "count": counts.get(one.code, DueCount())} for one in below]


def _prepare(households: Sequence[Household], before: date) -> list[dict[str, Any]]:
    """The households as rows: who in them is due, when they were last seen, what was tried since, and who goes there."""
    tries = visits.list_tries_since_reached(one.household_uuid for one in households)
    grids = {one.grid_code for one in households}
    names = areas.get_names(grids)
    workers = users.list_workers_of(grids, clock.now())
    words = wording.get_words("outcome", "method")
    rows = []
    for household in households:
        tried = tries.get(household.household_uuid, [])
        due = [person for person in household.people if person.due_on is not None and person.due_on < before]
        rows.append(
            {
                "household": household,
                "people": sorted(due, key=lambda person: (person.due_on, person.position)),
                "grid_name": names.get(household.grid_code, ""),
                "workers": [user.display_name for user in workers[household.grid_code]],
                "tries": len(tried),
                "last_try": {
                    "visit": tried[0],
                    "outcome": words["outcome"].get(tried[0].outcome, tried[0].outcome),
                    "method": words["method"].get(tried[0].method, tried[0].method),
                }
                if tried
                else None,
            }
        )
    return rows


def _suggest(area: Area, today: date) -> list[dict[str, Any]]:
    """How the grids of a township or a village could help each other this week."""
    grids = areas.list_grids([area.code])
    counts = due_queries.count_due([area.code], LEVELS["grid"], today)
    loads = {grid.code: sum(astuple(counts.get(grid.code, DueCount()))) for grid in grids}
    places = due_queries.get_places_due([area.code], today + timedelta(days=WEEK_DAYS))
    found = rules.suggest_help(loads, places, due_queries.get_middles([area.code]))
    workers = users.list_workers_of(
        {grid for help_ in found for grid in (help_.from_grid, help_.to_grid)}, clock.now()
    )
    # Somebody works in the grid that might help who does not work in the other one anyway.
    helps = [help_ for help_ in found if set(workers[help_.to_grid]) - set(workers[help_.from_grid])]
    helps = helps[:MOST_SUGGESTIONS]
    names = {grid.code: grid.name for grid in grids}
    households = {
        one.household_uuid: one
        for one in people.list_households(uuid for help_ in helps for uuid in help_.household_uuids)
    }
    return [
        {
            "from": names[help_.from_grid],
            "to": names[help_.to_grid],
            "distance_m": help_.distance_m,
            "households": [households[uuid] for uuid in help_.household_uuids],
        }
        for help_ in helps
    ]


def init_app(app: Flask) -> None:
    """Register the page."""
    app.register_blueprint(bp)
