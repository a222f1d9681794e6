"""Coverage for officers: figures by area, class and week, and the list behind each.

Invariant: a figure and its list are told by the same area, class and time in the address.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask import Blueprint, Flask, render_template, request, url_for
from flask_babel import lazy_gettext
from flask_login import current_user

from fieldapp.areas import queries as areas
from fieldapp.areas.models import Area
from fieldapp.core import clock, scope, wording
from fieldapp.core.errors import AppError
from fieldapp.core.guard import READERS, require
from fieldapp.core.paging import read_day, read_page
from fieldapp.core.weeks import Week
from fieldapp.followups import problem_queries, queries as followups
from fieldapp.overview import coverage_queries as queries
from fieldapp.people import interval_queries

PEOPLE_WORDS = {
    "asked": lazy_gettext("To be seen"),
    "within": lazy_gettext("Seen in time"),
    "overdue": lazy_gettext("Overdue"),
    "tried": lazy_gettext("Not reached"),
    "unasked": lazy_gettext("Nothing asks for them"),
}
PROBLEM_WORDS = {
    "found": lazy_gettext("Problems found"),
    "solved": lazy_gettext("Problems solved"),
    "open": lazy_gettext("Problems open"),
}

LONGEST_CLASS = 40

bp = Blueprint("coverage", __name__, url_prefix="/coverage")


@bp.get("")
@require(*READERS)
def coverage_page() -> str:
    """The area in the address, or all of the reader's: by the areas below, by class and by week."""
    now = clock.now()
    codes = queries.list_unnested(current_user.area_codes(now))
    area = _read_area(codes)
    words = wording.get_words("class")["class"]
    main_class = _read_class()
    within = [area.code] if area else codes
    below = (areas.list_children(within) if area else areas.list_areas(within)) or ([area] if area else [])
    coverage = queries.get_coverage(current_user, within, below, main_class, now)

    def people_list(of: str, code: str = "", name: str = "") -> str:
        chosen: dict[str, Any] = {
            "area": code or (area.code if area else None),
            "class": name or main_class or None,
        }
        return url_for("coverage.people_page", of=of, **chosen)

    def problem_list(of: str, code: str = "", week: Week | None = None) -> str:
        chosen: dict[str, Any] = {
            "area": code or (area.code if area else None),
            "week": week.ends_on if week else None,
        }
        return url_for("coverage.problems_page", of=of, **chosen)

    return render_template(
        "overview/coverage.html",
        area=area,
        path=_list_path(area, codes),
        main_class=main_class,
        classes={
            **{code: word for code, word in words.items() if code in coverage.classes or code == main_class},
            **{code: code for code in coverage.classes if code not in words},
        },
        coverage=coverage,
        can_open={one.code for one in below if area is None or one.code != area.code},
        people_list=people_list,
        problem_list=problem_list,
        people_words=PEOPLE_WORDS,
        problem_words=PROBLEM_WORDS,
    )


@bp.get("/people")
@require(*READERS)
def people_page() -> str:
    """The people behind a figure."""
    now = clock.now()
    codes = queries.list_unnested(current_user.area_codes(now))
    area = _read_area(codes)
    which = _read_set(interval_queries.SETS, "overdue")
    words = wording.get_words("class")["class"]
    main_class = _read_class()
    page = read_page()
    found, has_more = interval_queries.list_people(
        [area.code] if area else codes, which, main_class, clock.local_date(now), page
    )
    return render_template(
        "overview/coverage_people.html",
        title=PEOPLE_WORDS[which],
        which=which,
        area=area,
        main_class=main_class,
        people=found,
        places=areas.name_places({person.household.grid_code for person in found}),
        words=words,
        page=page,
        has_more=has_more,
    )


@bp.get("/problems")
@require(*READERS)
def problems_page() -> str:
    """The problems behind a figure: of a week, or of all weeks that are shown."""
    now = clock.now()
    codes = queries.list_unnested(current_user.area_codes(now))
    area = _read_area(codes)
    which = _read_set(problem_queries.SETS, "open")
    week = _read_week(now)
    weeks = [week] if week else queries.get_weeks(now)
    page = read_page()
    found, has_more = problem_queries.list_problems(
        current_user,
        [area.code] if area else codes,
        which,
        weeks[0].begins_at,
        weeks[-1].ends_at,
        now,
        page,
    )
    return render_template(
        "overview/coverage_problems.html",
        title=PROBLEM_WORDS[which],
        which=which,
        area=area,
        week=week,
        weeks=weeks,
        problems=[_as_row(task) for task in found],
        names=followups.get_household_names(task.household_uuid for task in found),
        words=wording.get_words("severity", "followup_type"),
        states=wording.FOLLOWUP_STATES,
        page=page,
        has_more=has_more,
    )


def _as_row(task: Any) -> dict[str, Any]:
    took = (task.closed_at - task.created_at).total_seconds() / 86_400 if task.closed_at else None
    return {"task": task, "days": None if took is None else round(took, 1)}


def _read_area(codes: Sequence[str]) -> Area | None:
    """The area asked for, or the reader's only one; None for all of several. Raises not_found outside their areas."""
    asked = request.args.get("area", "")
    if not asked:
        return areas.find_area(codes[0]) if len(codes) == 1 else None
    area = areas.find_area(asked)
    if area is None or not scope.covers(codes, area.code):
        raise AppError("not_found")
    return area


def _list_path(area: Area | None, codes: Sequence[str]) -> list[Area]:
    above = areas.list_path(area.code) if area else []
    return [one for one in above if scope.covers(codes, one.code)]


def _read_class() -> str:
    """The class asked for, which need not stand in the table any more; empty for all."""
    return request.args.get("class", "")[:LONGEST_CLASS]


def _read_set(sets: Sequence[str], usual: str) -> str:
    asked = request.args.get("of", usual)
    if asked not in sets:
        raise AppError("not_found")
    return asked


def _read_week(now: datetime) -> Week | None:
    """The week asked for, which must be one of those shown; None for all of them."""
    if "week" not in request.args:
        return None
    day = read_day("week")
    week = next((one for one in queries.get_weeks(now) if one.ends_on == day), None)
    if week is None:
        raise AppError("not_found")
    return week


def init_app(app: Flask) -> None:
    """Register the pages."""
    app.register_blueprint(bp)
