"""The charts: from a finding to help, and what is open; every bar opens the list it counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from flask import Blueprint, Flask, render_template, url_for
from flask_babel import gettext
from flask_login import current_user

from fieldapp.areas import queries as areas
from fieldapp.core import clock, wording
from fieldapp.core.guard import READERS, require
from fieldapp.core.paging import read_area
from fieldapp.followups.queries import FollowupFilter
from fieldapp.overview import charts_queries as queries
from fieldapp.overview.charts_queries import Figures

bp = Blueprint("charts", __name__)


@dataclass(frozen=True)
class Line:
    """A week or an area with its figures and the lists behind them; `figures` is None of what lies before the weeks."""

    label: str
    open: int
    open_list: str
    figures: Figures | None = None
    helped_list: str = ""


@bp.get("/charts")
@require(*READERS)
def charts_page() -> str:
    """The last weeks of the reader's areas, or of the one in the address."""
    now = clock.now()
    area = read_area()
    codes = current_user.area_codes(now)
    choices = areas.list_choices(codes, area)
    below = areas.list_children([area]) if area else (choices or areas.list_areas(codes))
    charts = queries.get_charts(current_user, FollowupFilter(view="all", area=area), below, now)
    weeks = [_of_week(monday, figures, area) for monday, figures in charts.weeks.items()]
    if charts.earlier_open:
        until = min(charts.weeks) - timedelta(days=1)
        weeks.insert(0, Line(gettext("Earlier"), charts.earlier_open, _list(area=area, until=until)))
    return render_template(
        "overview/charts.html",
        weeks=weeks,
        by_area=[
            Line(
                one.name,
                figures.open,
                _list(area=one.code),
                figures,
                _list(view="verified", area=one.code, since=min(charts.weeks)),
            )
            for one, figures in charts.areas
        ],
        is_cut=charts.is_cut,
        area=area,
        areas=choices,
    )


def _of_week(monday: date, figures: Figures, area: str) -> Line:
    sunday = monday + timedelta(days=6)
    label = gettext("Week of %(day)s", day=wording.say_day(monday))
    return Line(
        label,
        figures.open,
        _list(area=area, since=monday, until=sunday),
        figures,
        _list(view="verified", area=area, since=monday, until=sunday),
    )


def _list(area: str, view: str = "active", since: date | None = None, until: date | None = None) -> str:
    chosen = FollowupFilter(view=view, area=area, since=since, until=until)
    return url_for("followups.list_page", **chosen.as_query())


def init_app(app: Flask) -> None:
    """Register the page."""
    app.register_blueprint(bp)
